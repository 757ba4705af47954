// A plugin that works with four host services: another plugin, a cache, an object store and a database.
import { serve } from "gestalt-edge";
import { briefing } from "./briefing.ts";

/** The channel to gestaltd; wrangler.toml binds it. */
export { HostChannel } from "gestalt-edge/channel";

export default serve({ briefing });
