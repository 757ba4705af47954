// Puts together what a hosted provider consists of: its session, the way to its worker under its egress policy, its log.
import type { PluginRuntimeEgressMode } from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { guardTarget } from "../egress/guard-session.ts";
import { readEgress, warnOfUnusableEntries } from "../egress/session-egress.ts";
import type { BridgeContext } from "../lifecycle/bridge.ts";
import type { HostedLog } from "../runtime-logs/hosted-log.ts";
import { lastLines } from "../runtime-logs/last-lines.ts";
import { secretValues } from "../runtime-logs/secret-values.ts";
import { writeLogs } from "../runtime-logs/write-logs.ts";
import { checkVariablesSize } from "../session/config-size.ts";
import type { Session } from "../session/session.ts";
import type { Target } from "../target/target.ts";
import { writeSpans } from "../tracing/write-spans.ts";
import type { HostedKind } from "./hosted-kind.ts";
import { HostedProvider } from "./hosted-provider.ts";
import type { KeptProvider } from "./kept-session.ts";
import { splitEnvironment } from "./plugin-environment.ts";

export interface AssemblyOptions {
  /** Of the session. */
  readonly id: string;
  /** gestaltd's name for the provider. */
  readonly name: string;
  readonly kind: HostedKind;
  readonly kept: KeptProvider;
  readonly target: Target;
  /** What the worker says it enforces itself; undefined for a session that goes on. */
  readonly egressMode: PluginRuntimeEgressMode | undefined;
  readonly context: BridgeContext;
  readonly log: HostedLog;
  readonly configured: (session: Session) => Promise<void>;
}

export interface Assembly {
  readonly provider: HostedProvider;
  /** The worker, as far as the session's egress policy lets it reach. */
  readonly target: Target;
  /** Gives up the guard of its egress. */
  unguard(): Promise<void>;
  /** Takes no more of what the worker prints; resolves when what was printed until now is here. */
  unfollow(): Promise<void>;
}

/** @throws BridgeError when the environment or the policy cannot be had as they are. */
export function assembleProvider(options: AssemblyOptions): Assembly {
  const { id, name, kind, kept, target, context, log } = options;
  const { variables, hosts } = splitEnvironment(kept.request.env, context.secrets);
  checkVariablesSize(variables, name);
  const egress = readEgress(kept.request, context.secrets);
  warnOfUnusableEntries(egress, name, context.log);
  const { egressMode } = options;
  const guarded = guardTarget(egress, { plugin: name, target, egressMode, log: context.log });
  log.named({ provider: kept.provider, name });
  log.offered(hosts);
  log.keepSecret(secretValues({ ...variables }));
  log.keepSecret(secretValues(kept.config ?? {}));
  const unfollow = target.followLog?.(id, log, "each");
  const tracer = context.tracing?.tracerOf({ name, session: id, redact: (text) => log.redact(text) });
  const { provider, config, revision } = kept;
  return {
    provider: new HostedProvider({
      kind,
      session: { id, revision, provider, name, config, variables, hosts: [...hosts.keys()], egress: egress.claim },
      target: guarded,
      context,
      services: hosts,
      local: new Map([writeLogs(log), ...writeSpans(tracer)]),
      tracer,
      configuring: (own) => log.keepSecret(secretValues(own)),
      configured: options.configured,
    }),
    target: guarded,
    unguard: async () => {
      if (guarded !== target) await guarded.close();
    },
    unfollow: async () => {
      if (unfollow === undefined) return;
      await lastLines();
      unfollow();
    },
  };
}
