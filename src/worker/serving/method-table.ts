// The methods of one provider by request path, its own services and those every provider has.
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call.ts";
import type { Provider } from "../provider.ts";
import type { BinaryMethod, Surface } from "../surface.ts";

export interface ServedMethod {
  readonly desc: DescMethod;
  /** `Cache/Get`: what the call log prints. */
  readonly label: string;
  /** Serves one call. Its type follows `desc.methodKind`; `surface()` has checked that. */
  readonly run: (request: never, call: Call) => unknown;
  /** Serves the binary form, when there is another way for it than by `run`. */
  readonly binary?: BinaryMethod | undefined;
}

export interface ServedProvider {
  /** Its name in `serve({ … })`. */
  readonly name: string;
  readonly provider: Provider;
  readonly methods: ReadonlyMap<string, ServedMethod>;
}

/** `common` are the services added by `serve`. */
export function servedProvider(name: string, provider: Provider, common: readonly Surface[]): ServedProvider {
  const methods = new Map<string, ServedMethod>();
  for (const surface of [...common, ...provider.surfaces]) {
    for (const desc of surface.service.methods) {
      const method = surface.methods[desc.localName];
      if (method === undefined) continue;
      const binary = surface.binary?.[desc.localName];
      methods.set(`/${surface.service.typeName}/${desc.name}`, {
        desc,
        label: `${surface.service.name}/${desc.name}`,
        run: surface.selfConfiguring ? method : configuredFirst(provider, method),
        binary: binary && (configuredFirst(provider, binary as ServedMethod["run"]) as BinaryMethod),
      });
    }
  }
  return { name, provider, methods };
}

/** UNIMPLEMENTED for a path that is none of the provider's methods, saying which kind of provider it met. */
export function unimplemented(served: ServedProvider, path: string): ConnectError {
  const [service = "", method = ""] = path.slice(1).split("/");
  const servesService = [...served.methods.values()].some((known) => known.desc.parent.typeName === service);
  const lacks = servesService ? `does not implement ${service}/${method}` : `does not serve ${service}`;
  return new ConnectError(
    `provider '${served.name}' is of kind ${served.provider.kind} and ${lacks}`,
    Code.Unimplemented,
  );
}

/** Runs the session's hooks before the method; streams wait for them when they are first read. */
function configuredFirst(provider: Provider, method: ServedMethod["run"]): ServedMethod["run"] {
  return (request, call) => {
    const configured = provider.lifecycle.configure(call.session, call);
    return configured === undefined ? method(request, call) : configured.then(() => method(request, call));
  };
}
