// A worker whose module of Node's would connect behind the guard's back: it is not to be built with one.
// @ts-expect-error: workers have no types for it.
import { connect } from "node:net";

export default { fetch: () => new Response(String(connect)) } satisfies ExportedHandler;
