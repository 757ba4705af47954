// What gestaltd keeps and asks, in one Worker: seven ready-made providers, one of each kind that gestaltd.yaml configures. The eighth
// kind, the runtime, is the bridge itself.
import { serve } from "gestalt-edge";
import { oidcAuthentication } from "gestalt-edge/providers/authentication-oidc";
import { durableObjectAuthorization } from "gestalt-edge/providers/authorization-durable-object";
import { kvCache } from "gestalt-edge/providers/cache-kv";
import { durableObjectCredentials } from "gestalt-edge/providers/external-credentials-durable-object";
import { durableObjectIndexedDB } from "gestalt-edge/providers/indexeddb-durable-object";
import { r2ObjectStore } from "gestalt-edge/providers/s3-r2";
import { bindingSecrets } from "gestalt-edge/providers/secrets-bindings";

export { AuthorizationObject } from "gestalt-edge/providers/authorization-durable-object";
export { CredentialsObject } from "gestalt-edge/providers/external-credentials-durable-object";
export { IndexedDBObject } from "gestalt-edge/providers/indexeddb-durable-object";

export default serve({
  databases: durableObjectIndexedDB(),
  credentials: durableObjectCredentials(),
  vault: bindingSecrets(),
  login: oidcAuthentication(),
  policies: durableObjectAuthorization(),
  cache: kvCache(),
  blobs: r2ObjectStore({ buckets: { blobs: "BLOBS" } }),
});
