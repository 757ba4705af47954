// The kinds of provider a bridge can be, chosen by its first argument: what gestaltd calls them and what they serve.
import type { DescService } from "@bufbuild/protobuf";
import { AuthenticationProvider } from "../gen/gestalt/provider/v1/authentication_pb.ts";
import { AuthorizationProvider } from "../gen/gestalt/provider/v1/authorization_pb.ts";
import { Cache } from "../gen/gestalt/provider/v1/cache_pb.ts";
import { ExternalCredentialProvider } from "../gen/gestalt/provider/v1/external_credential_pb.ts";
import { IndexedDB } from "../gen/gestalt/provider/v1/indexeddb_pb.ts";
import { ProviderKind } from "../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeProvider } from "../gen/gestalt/provider/v1/runtime_pb.ts";
import { S3 } from "../gen/gestalt/provider/v1/s3_pb.ts";
import { SecretsProvider } from "../gen/gestalt/provider/v1/secrets_pb.ts";

export interface BridgeKind {
  /** First argument of the bridge, and `kind` in the manifest unless that has a word of its own. */
  readonly name: string;
  /** `kind` in the manifest, where it is another word. */
  readonly manifest?: string;
  readonly kind: ProviderKind;
  /** Services beside the lifecycle, proxied to the worker; the runtime kind answers its own. */
  readonly services: readonly DescService[];
  readonly displayName: string;
  readonly description: string;
  /** End of the manifest's `source`; `name` when left out. */
  readonly source?: string;
  /** An entry may do without `config:`, and then gestaltd adds what it does not add to one (config/given-config.ts). */
  readonly configOptional?: boolean;
  /**
   * gestaltd takes a health check for passed unless the call itself fails, so one that is not ready must: `/ready` shows it then
   * (services/indexeddb/client.go, Ping). It asks no other kind that is served here.
   */
  readonly unreadyFails?: boolean;
  /** Keys of the provider's config that go no further than the bridge: they hold secrets, and a session's token is no place for those. */
  readonly keptBack?: readonly string[];
}

export const RUNTIME_KIND: BridgeKind = {
  name: "runtime",
  kind: ProviderKind.RUNTIME,
  services: [PluginRuntimeProvider],
  displayName: "gestalt-edge runtime",
  description: "Hosts plugins on Cloudflare Workers.",
};

/** A new kind of single provider is one entry here. */
export const BRIDGE_KINDS: readonly BridgeKind[] = [
  RUNTIME_KIND,
  {
    name: "cache",
    kind: ProviderKind.CACHE,
    services: [Cache],
    displayName: "gestalt-edge cache",
    description: "A cache served by a Cloudflare Worker.",
  },
  {
    name: "s3",
    kind: ProviderKind.S3,
    services: [S3],
    displayName: "gestalt-edge object store",
    description: "An object store served by a Cloudflare Worker.",
  },
  {
    name: "secrets",
    kind: ProviderKind.SECRETS,
    services: [SecretsProvider],
    displayName: "gestalt-edge secrets",
    description: "Secrets served by a Cloudflare Worker.",
  },
  {
    name: "indexeddb",
    kind: ProviderKind.INDEXEDDB,
    services: [IndexedDB],
    displayName: "gestalt-edge IndexedDB",
    description: "Databases served by a Cloudflare Worker.",
    // gestaltd gives plugins a database of their own only behind three sources; with this one it names it `table` (reference §0 #3).
    source: "indexeddb/dynamodb",
    configOptional: true,
    unreadyFails: true,
  },
  {
    name: "authorization",
    kind: ProviderKind.AUTHORIZATION,
    services: [AuthorizationProvider],
    displayName: "gestalt-edge authorization",
    description: "Access decisions made by a Cloudflare Worker.",
  },
  {
    name: "authentication",
    kind: ProviderKind.AUTHENTICATION,
    services: [AuthenticationProvider],
    displayName: "gestalt-edge authentication",
    description: "Sign-in served by a Cloudflare Worker.",
  },
  {
    name: "external-credentials",
    manifest: "external_credentials",
    kind: ProviderKind.EXTERNAL_CREDENTIAL,
    services: [ExternalCredentialProvider],
    displayName: "gestalt-edge external credentials",
    description: "Credentials for other systems, kept by a Cloudflare Worker.",
    // What gestaltd adds for a provider of this kind (config/given-config.ts): its own key, and the secrets of connections.
    keptBack: ["encryptionKey", "resolvedConnections"],
    configOptional: true,
  },
];

/** `cache` for ProviderKind.CACHE: how messages name a kind of the protocol. */
export function nameOfKind(kind: ProviderKind): string {
  const [name = `kind ${kind}`] = Object.entries(ProviderKind).find(([, value]) => value === kind) ?? [];
  return kind === ProviderKind.INTEGRATION ? "plugin" : name.toLowerCase();
}
