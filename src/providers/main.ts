// The ready-made providers as one Worker: what the wrangler.toml at the root of this repository deploys.
import { serve } from "../worker/index.ts";
import { oidcAuthentication } from "./authentication-oidc/index.ts";
import { durableObjectAuthorization } from "./authorization-durable-object/index.ts";
import { durableObjectCache } from "./cache-durable-object/index.ts";
import { kvCache } from "./cache-kv/index.ts";
import { durableObjectCredentials } from "./external-credentials-durable-object/index.ts";
import { durableObjectIndexedDB } from "./indexeddb-durable-object/index.ts";
import { r2ObjectStore } from "./s3-r2/index.ts";
import { bindingSecrets } from "./secrets-bindings/index.ts";

export { AuthorizationObject } from "./authorization-durable-object/index.ts";
export { CacheObject } from "./cache-durable-object/index.ts";
export { CredentialsObject } from "./external-credentials-durable-object/index.ts";
export { IndexedDBObject } from "./indexeddb-durable-object/index.ts";

export default serve({
  "cache-kv": kvCache(),
  "cache-durable-object": durableObjectCache(),
  "s3-r2": r2ObjectStore({ buckets: { blobs: "BLOBS" } }),
  "secrets-bindings": bindingSecrets(),
  "authorization-durable-object": durableObjectAuthorization(),
  "authentication-oidc": oidcAuthentication(),
  "indexeddb-durable-object": durableObjectIndexedDB(),
  "external-credentials-durable-object": durableObjectCredentials(),
});
