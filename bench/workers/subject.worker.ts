// The worker under measurement: a cache that answers a value of the size its key names, and an object store on R2.
import { defineCacheProvider, serve } from "gestalt-edge";
import { r2ObjectStore } from "gestalt-edge/providers/s3-r2";
import { payloadFor } from "../payload.ts";

const cache = defineCacheProvider({
  get: ({ key }) => payloadFor(key),
  set: () => undefined,
  delete: () => false,
  touch: () => false,
});

export default serve({ cache, blobs: r2ObjectStore({ buckets: { bench: "BENCH" } }) });
