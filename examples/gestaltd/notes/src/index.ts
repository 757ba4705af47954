// The plugin's Worker: a worker of its own, since all code of a worker can read the worker's secrets.
import { serve } from "gestalt-edge";
import { notes } from "./notes.ts";

/** The channel to gestaltd; wrangler.toml binds it. */
export { HostChannel } from "gestalt-edge/channel";

export default serve({ notes });
