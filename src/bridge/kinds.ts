// The kinds of provider a bridge can be, chosen by its first argument: what gestaltd calls them and what they serve.
import type { DescService } from "@bufbuild/protobuf";
import { Cache } from "../gen/gestalt/provider/v1/cache_pb.ts";
import { ProviderKind } from "../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeProvider } from "../gen/gestalt/provider/v1/runtime_pb.ts";
import { S3 } from "../gen/gestalt/provider/v1/s3_pb.ts";

export interface BridgeKind {
  /** First argument of the bridge, and `kind` in the manifest. */
  readonly name: string;
  readonly kind: ProviderKind;
  /** Services beside the lifecycle, proxied to the worker; the runtime kind answers its own. */
  readonly services: readonly DescService[];
  readonly displayName: string;
  readonly description: string;
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
];

/** `cache` for ProviderKind.CACHE: how messages name a kind of the protocol. */
export function nameOfKind(kind: ProviderKind): string {
  const [name = `kind ${kind}`] = Object.entries(ProviderKind).find(([, value]) => value === kind) ?? [];
  return kind === ProviderKind.INTEGRATION ? "plugin" : name.toLowerCase();
}
