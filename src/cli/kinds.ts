// Kinds of provider as the command shows them: the word of manifests, the key of gestaltd's config, the bridge's argument.
import { ProviderKind } from "../gen/gestalt/provider/v1/lifecycle_pb.ts";

export interface KindWords {
  /** `kind:` of a manifest. */
  readonly manifest: string;
  /** Key under `providers:` in gestaltd's config; absent for plugins, which stand under `plugins:`. */
  readonly section?: string;
  /** First argument of the bridge; plugins are hosted by the runtime kind. */
  readonly bridge: string;
}

const WORDS: { readonly [kind in ProviderKind]?: KindWords } = {
  [ProviderKind.INTEGRATION]: { manifest: "plugin", bridge: "runtime" },
  [ProviderKind.CACHE]: { manifest: "cache", section: "cache", bridge: "cache" },
  [ProviderKind.S3]: { manifest: "s3", section: "s3", bridge: "s3" },
  [ProviderKind.SECRETS]: { manifest: "secrets", section: "secrets", bridge: "secrets" },
  [ProviderKind.AUTHENTICATION]: { manifest: "authentication", section: "authentication", bridge: "authentication" },
  [ProviderKind.AUTHORIZATION]: { manifest: "authorization", section: "authorization", bridge: "authorization" },
  [ProviderKind.EXTERNAL_CREDENTIAL]: {
    manifest: "external_credentials",
    section: "externalCredentials",
    bridge: "external-credentials",
  },
  [ProviderKind.INDEXEDDB]: { manifest: "indexeddb", section: "indexeddb", bridge: "indexeddb" },
  [ProviderKind.WORKFLOW]: { manifest: "workflow", section: "workflow", bridge: "workflow" },
  [ProviderKind.AGENT]: { manifest: "agent", section: "agent", bridge: "agent" },
};

export function wordsOf(kind: ProviderKind): KindWords {
  return WORDS[kind] ?? { manifest: "unknown", bridge: "unknown" };
}
