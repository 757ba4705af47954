// The ready-made providers as one Worker: what the wrangler.toml at the root of this repository deploys.
import { serve } from "../worker/index.ts";
import { durableObjectCache } from "./cache-durable-object/index.ts";
import { kvCache } from "./cache-kv/index.ts";
import { r2ObjectStore } from "./s3-r2/index.ts";

export { CacheObject } from "./cache-durable-object/index.ts";

export default serve({
  "cache-kv": kvCache(),
  "cache-durable-object": durableObjectCache(),
  "s3-r2": r2ObjectStore({ buckets: { blobs: "BLOBS" } }),
});
