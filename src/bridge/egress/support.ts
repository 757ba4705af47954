// What GetSupport says of egress. gestaltd asks before any session and names no plugin, so the promise has to hold for every
// worker this runtime is configured for.
import { PluginRuntimeEgressMode } from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { describeWorker } from "../lifecycle/served-provider.ts";
import type { Target } from "../target/target.ts";

/** A worker as far as this asks for it. */
export interface ConfiguredWorker {
  /** Key in the runtime's config. */
  readonly name: string;
  /** Embedded workers are guarded by their nodes: they need not be asked, nor started. */
  readonly embedded: boolean;
  readonly provider: string | undefined;
  open(): Promise<Target>;
}

/** gestaltd starts plugins after it has the answer, so a worker that does not tell within this time counts as one that cannot. */
const DESCRIBE_MS = 3_000;
/** An answer holds this long, in milliseconds: admin pages ask at each view. */
const FRESH_MS = 60_000;
/** And when a worker could not be asked, this long: it may only have been starting. */
const FRESH_AFTER_FAILURE_MS = 5_000;

export interface EgressSupport {
  /** Never rejects; an unreachable worker enforces nothing. */
  mode(): Promise<PluginRuntimeEgressMode>;
}

export function createEgressSupport(workers: readonly ConfiguredWorker[]): EgressSupport {
  const deployed = workers.filter(({ embedded }) => !embedded).map(knownFor);
  return {
    async mode() {
      const modes = await Promise.all(deployed.map((mode) => mode()));
      const enforced = modes.every((mode) => mode === PluginRuntimeEgressMode.HOSTNAME);
      return enforced ? PluginRuntimeEgressMode.HOSTNAME : PluginRuntimeEgressMode.NONE;
    },
  };
}

/** Asks at most once per {@link FRESH_MS}; questions that overlap share one answer. */
function knownFor(worker: ConfiguredWorker): () => Promise<PluginRuntimeEgressMode> {
  let known: Promise<PluginRuntimeEgressMode> | undefined;
  let until = 0;
  return () => {
    if (known !== undefined && Date.now() < until) return known;
    until = Number.POSITIVE_INFINITY;
    const keepFor = (milliseconds: number) => {
      until = Date.now() + milliseconds;
    };
    known = ask(worker).then(
      (mode) => {
        keepFor(FRESH_MS);
        return mode;
      },
      () => {
        keepFor(FRESH_AFTER_FAILURE_MS);
        return PluginRuntimeEgressMode.NONE;
      },
    );
    return known;
  };
}

async function ask({ name, provider = name, open }: ConfiguredWorker): Promise<PluginRuntimeEgressMode> {
  const target = await open();
  const asking = { id: `egress:${name}`, revision: 0, provider, name, config: undefined, variables: {}, hosts: [] };
  const { enforcesEgress } = await describeWorker(asking, target, { signal: AbortSignal.timeout(DESCRIBE_MS) });
  return enforcesEgress ? PluginRuntimeEgressMode.HOSTNAME : PluginRuntimeEgressMode.NONE;
}
