// What foreign clients call, under one provider: ConformanceService, which answers as its request says; an object store on
// R2; and a cache whose every key is the size of its value.
import { r2ObjectStore } from "../../src/providers/s3-r2/index.ts";
import { defineCacheProvider, serve } from "../../src/worker/index.ts";
import { conformanceSurface } from "../conformance/conformance-surface.worker.ts";

const objects = r2ObjectStore({ buckets: { files: "FILES" } });
const sizes = defineCacheProvider({
  get: ({ key }) => new Uint8Array(Number(key)),
  set: () => undefined,
  delete: () => false,
  touch: () => false,
});

export default serve({
  clients: { ...objects, surfaces: [...objects.surfaces, ...sizes.surfaces, conformanceSurface] },
});
