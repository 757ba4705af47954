// The worker under test: ConformanceService as a provider of its own. It takes session tokens like any other worker.
import { serve } from "../../src/worker/serve.ts";
import { providerBase } from "../../src/worker/sessions/lifecycle.ts";
import { conformanceSurface } from "./conformance-surface.worker.ts";

export default serve({ conformance: { kind: "plugin", ...providerBase({}), surfaces: [conformanceSurface] } });
