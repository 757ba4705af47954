// An object store on R2. Callers say `blobs`; the binding of that bucket is BLOBS.
import { serve } from "gestalt-edge";
import { r2ObjectStore } from "gestalt-edge/providers/s3-r2";

export default serve({ blobs: r2ObjectStore({ buckets: { blobs: "BLOBS" } }) });
