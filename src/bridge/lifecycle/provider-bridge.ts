// A bridge that is one provider (cache, s3, …): answers the handshake, learns the config, proxies the rest.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { WorkerService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import { type ConfigureProviderRequest, ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import type { SessionChannel } from "../channel/session-channel.ts";
import { workerHosting } from "../channel/worker-hosting.ts";
import type { WorkerConfig } from "../config/worker-config.ts";
import { type LocalCall, localUnary } from "../grpc/local.ts";
import type { HostService } from "../host/host-service.ts";
import { offeredServices } from "../host/offered.ts";
import type { BridgeKind } from "../kinds.ts";
import { createProxy, proxyRoute } from "../proxy/proxy.ts";
import { callWorker } from "../proxy/worker-call.ts";
import { lastLines } from "../runtime-logs/last-lines.ts";
import { secretValues } from "../runtime-logs/secret-values.ts";
import { stderrLog } from "../runtime-logs/stderr-log.ts";
import { writeLogs } from "../runtime-logs/write-logs.ts";
import { configured, type Session } from "../session/session.ts";
import type { Target } from "../target/target.ts";
import { traceMetadata } from "../tracing/trace-metadata.ts";
import { writeSpans } from "../tracing/write-spans.ts";
import type { UpstreamSource } from "../upstream.ts";
import type { Bridge, BridgeContext } from "./bridge.ts";
import { createCurrentUpstream } from "./current-upstream.ts";
import { failingHealthCheck } from "./failing-health-check.ts";
import { providerIdentity } from "./identity.ts";
import { assertProtocolVersion } from "./protocol-version.ts";

/** Everything that exists only after configuration. */
interface Configured {
  readonly session: Session;
  readonly worker: WorkerConfig;
  readonly target: Target;
  readonly source: UpstreamSource;
  /** Where there are host services to reach. */
  readonly channel: SessionChannel | undefined;
}

/** The worker hears of a session's end within this time or not at all, in milliseconds; gestaltd kills after 2,000. */
const CLOSE_SESSION_MS = 500;

/** Key of a {@link KeptConfiguration}. */
const CONFIGURATION = "configuration";

/** All that a successor needs to go on with the same session, without asking the worker. Holds secrets. */
interface KeptConfiguration {
  /** As gestaltd sent them. */
  readonly name: string;
  readonly config: JsonObject | undefined;
  readonly session: Pick<Session, "id" | "revision" | "provider">;
  readonly hostChannel: boolean;
}

export function createProviderBridge(kind: BridgeKind, context: BridgeContext): Bridge {
  const bridge = new ProviderBridge(kind, context);
  const { upstream } = bridge;
  const lifecycle = ProviderLifecycle.method;
  return {
    services: [ProviderLifecycle, ...kind.services],
    routes: [
      localUnary(lifecycle.getProviderIdentity, (_request, call) => bridge.identity(call)),
      localUnary(lifecycle.configureProvider, (request, call) => bridge.configure(request, call)),
      kind.unreadyFails ? failingHealthCheck(upstream) : proxyRoute(upstream, lifecycle.healthCheck),
      proxyRoute(upstream, lifecycle.startProvider),
      ...createProxy(upstream, kind.services),
    ],
    restore: () => bridge.restore(),
    close: () => bridge.close(),
  };
}

class ProviderBridge {
  readonly upstream = createCurrentUpstream("not configured: gestaltd must call ConfigureProvider first");
  readonly #kind: BridgeKind;
  readonly #context: BridgeContext;
  #configured: Configured | undefined;
  /** Configurations run one after the other. */
  #configuring: Promise<unknown> = Promise.resolve();

  constructor(kind: BridgeKind, context: BridgeContext) {
    this.#kind = kind;
    this.#context = context;
  }

  identity(call: LocalCall) {
    const { kind, displayName, description } = this.#kind;
    const name = this.#configured?.session.name ?? this.#context.name;
    const own = { kind, name, displayName, description };
    return providerIdentity(own, this.#configured?.source, call, this.#context.log);
  }

  configure(request: ConfigureProviderRequest, call: LocalCall) {
    assertProtocolVersion(request.protocolVersion);
    const done = this.#configuring.then(() => this.#configure(request, call));
    this.#configuring = done.catch(() => undefined);
    return done;
  }

  async restore(): Promise<void> {
    const kept = this.#context.keeper.kept.get(CONFIGURATION);
    if (kept === undefined) return;
    const { name, config, session, hostChannel } = JSON.parse(kept) as KeptConfiguration;
    const { openTarget } = await import("../target/open-target.ts");
    const { joinEarly } = await import("../target/join-early.ts");
    const { sessionUpstream } = await import("../session/session-upstream.ts");
    const { resumeHosting } = await import("../channel/open-hosting.ts");
    const { worker, own } = await this.#read(config, name);
    const target = await openTarget(worker, this.#context);
    const restored = { ...newSession(name, this.#services()), ...session, config: own };
    const source = sessionUpstream(restored, target);
    const channel = resumeHosting(this.#hosting(restored, target, source), hostChannel);
    this.#use({ session: restored, worker, target, source, channel });
    void joinEarly(target);
  }

  async close(): Promise<void> {
    await this.#configuring;
    if (this.#configured === undefined) return;
    const { source, target, channel } = this.#configured;
    const signal = AbortSignal.timeout(CLOSE_SESSION_MS);
    await callWorker(source, WorkerService.method.closeSession, {}, { signal }).catch(() => undefined);
    await channel?.close();
    if (target.followLog !== undefined) await lastLines();
    await target.close();
  }

  async #configure(request: ConfigureProviderRequest, call: LocalCall) {
    const name = request.name || this.#context.name;
    const { worker, own, keptBack } = await this.#read(request.config, name);
    if (keptBack.length > 0)
      this.#context.log.info("config that the worker has no use for stays here", { keys: keptBack });
    const next = await this.#open(worker, own, name, call);
    const previous = this.#configured;
    const { id, revision, provider } = next.session;
    const hostChannel = next.channel !== undefined;
    const kept: KeptConfiguration = { name, config: request.config, session: { id, revision, provider }, hostChannel };
    await this.#context.keeper.keep(CONFIGURATION, JSON.stringify(kept));
    this.#use(next);
    if (previous?.channel !== next.channel) await previous?.channel?.close();
    if (previous !== undefined && previous.target !== next.target) await previous.target.close();
    return { protocolVersion: PROTOCOL_VERSION };
  }

  async #read(config: JsonObject | undefined, name: string) {
    const read = await readConfig(config, name, this.#context.env, this.#kind.keptBack ?? []);
    this.#keepSecret(read.own);
    return read;
  }

  #keepSecret(own: JsonObject): void {
    for (const value of secretValues(own)) this.#context.secrets.add(value);
  }

  /** What gestaltd offers this provider, as the environment says. */
  #services(): ReadonlyMap<string, HostService> {
    return offeredServices(this.#context.env);
  }

  /**
   * The channel's next connection takes its token from the configuration that is in force then. What the session prints, there
   * or in its node, goes to the bridge's own log: gestaltd keeps none for sessions of these kinds, and shows that one.
   */
  #hosting(session: Session, target: Target, first: UpstreamSource) {
    const { id, name } = session;
    const log = stderrLog(this.#context.log, session);
    target.followLog?.(id, log, "shared");
    const inForce = () => (this.#configured?.target === target ? this.#configured.source : first);
    const source: UpstreamSource = {
      upstream: () => inForce().upstream(),
      connectFailed: (upstream) => inForce().connectFailed(upstream),
    };
    const tracer = this.#context.tracing?.tracerOf();
    const local = new Map([writeLogs(log), ...writeSpans(tracer)]);
    return { name, services: this.#services(), source, context: this.#context, local, tracer };
  }

  #use(configured: Configured): void {
    this.#configured = configured;
    this.upstream.set(configured.source);
  }

  /** The session with its new config, tried out: nothing has changed when it fails. */
  async #open(worker: WorkerConfig, own: JsonObject, name: string, call: LocalCall): Promise<Configured> {
    const { openHosting } = await import("../channel/open-hosting.ts");
    const { openTarget } = await import("../target/open-target.ts");
    const { describeWorker, pickProvider } = await import("./served-provider.ts");
    const { sessionUpstream } = await import("../session/session-upstream.ts");
    const previous = this.#configured;
    const reused = previous !== undefined && isDeepStrictEqual(previous.worker, worker);
    const target = reused ? previous.target : await openTarget(worker, this.#context);
    let channel = reused && previous.channel?.state !== "over" ? previous.channel : undefined;
    try {
      const draft = previous?.session ?? newSession(name, this.#services());
      const wanted = { kind: this.#kind.kind, configured: worker.provider, guesses: [name, this.#kind.name] };
      const asking = { ...draft, provider: worker.provider ?? name };
      const described = await describeWorker(asking, target, callOptions(call));
      const provider = pickProvider(described, wanted, target);
      const session = configured({ ...draft, provider, name }, own);
      const source = sessionUpstream(session, target);
      const hosting = { ...this.#hosting(session, target, source), worker: workerHosting(described, provider) };
      channel ??= await openHosting(hosting, call.signal);
      const forwarded = { name, config: own, protocolVersion: PROTOCOL_VERSION };
      await callWorker(source, ProviderLifecycle.method.configureProvider, forwarded, callOptions(call));
      return { session, worker, target, source, channel };
    } catch (error) {
      if (channel !== previous?.channel) await channel?.close();
      if (!reused) await target.close();
      throw error;
    }
  }
}

/** Loaded only now: the socket must be open before zod, jose and undici are. */
async function readConfig(
  config: JsonObject | undefined,
  name: string,
  env: NodeJS.ProcessEnv,
  unsent: readonly string[],
) {
  const { givenConfig } = await import("../config/given-config.ts");
  const { parseProviderConfig } = await import("../config/provider-config.ts");
  const { checkConfigSize } = await import("../session/config-size.ts");
  const { worker, own: all } = parseProviderConfig(givenConfig(config, env), name);
  const keptBack = unsent.filter((key) => key in all);
  const own = Object.fromEntries(Object.entries(all).filter(([key]) => !unsent.includes(key)));
  checkConfigSize(own, name);
  return { worker, own, keptBack };
}

function newSession(name: string, services: ReadonlyMap<string, HostService>): Session {
  const hosts = [...services.keys()];
  return { id: randomUUID(), revision: 0, provider: name, name, config: undefined, variables: {}, hosts };
}

function callOptions({ deadline, signal, metadata }: LocalCall) {
  return { deadline, signal, metadata: traceMetadata(metadata) };
}
