// WorkerService: what is deployed, and the end of a session.
import { WorkerService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import { CHANNEL_BINDING, DIGEST_BINDING, NAME_BINDING } from "../../wire/bindings.ts";
import { PACKAGE_VERSION } from "../../wire/version.ts";
import type { Bindings } from "../call.ts";
import { enforcesEgress } from "../egress/enforcement.ts";
import { hosting } from "../host/hosting.ts";
import type { ServedProvider } from "../serving/method-table.ts";
import { type Surface, surface } from "../surface.ts";
import { wireKind } from "./kinds.ts";

/** Serves the map as it is when asked: `serve` is still filling it when it makes this surface. */
export function workerSurface(served: ReadonlyMap<string, ServedProvider>): Surface {
  return surface(
    WorkerService,
    {
      describe: (_request, call) => ({
        worker: text(call.bindings, NAME_BINDING),
        digest: text(call.bindings, DIGEST_BINDING),
        version: PACKAGE_VERSION,
        enforcesEgress: enforcesEgress(),
        hostChannel: hosting() !== undefined && call.bindings[CHANNEL_BINDING] !== undefined,
        providers: [...served.values()].sort(byName).map(describe),
      }),
      async closeSession(_request, call) {
        await served.get(call.session.provider)?.provider.lifecycle.close(call);
        await hosting()?.sendLastLines(call);
        return {};
      },
    },
    { selfConfiguring: true },
  );
}

function describe({ name, provider }: ServedProvider) {
  return {
    name,
    kind: wireKind(provider.kind),
    displayName: provider.info.displayName,
    description: provider.info.description,
    version: provider.info.version,
    configSchema: provider.configSchema === undefined ? "" : JSON.stringify(provider.configSchema()),
    uses: Array.from(provider.uses ?? [], ([key, use]) => ({ name: key, optional: use === "optional" })).sort(byName),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function text(bindings: Bindings, name: string): string {
  const value = bindings[name];
  return typeof value === "string" ? value : "";
}
