// Two caches in one Worker: `cache` on Workers KV, `exact` on Durable Objects. README.md says which to bind when.
import { serve } from "gestalt-edge";
import { durableObjectCache } from "gestalt-edge/providers/cache-durable-object";
import { kvCache } from "gestalt-edge/providers/cache-kv";

export { CacheObject } from "gestalt-edge/providers/cache-durable-object";

export default serve({ cache: kvCache(), exact: durableObjectCache() });
