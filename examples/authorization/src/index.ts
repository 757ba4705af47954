// Access decisions from what gestaltd's own database holds: the worker stores nothing.
import { serve } from "gestalt-edge";
import { policies } from "./policies.ts";

/** The channel to gestaltd; wrangler.toml binds it. */
export { HostChannel } from "gestalt-edge/channel";

export default serve({ policies });
