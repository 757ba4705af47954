// The provider of a hosted session: served on a Unix socket of its own, as if it were gestaltd's child.
import { WorkerService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import { IntegrationProvider } from "../../gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import type { LocalMethods } from "../channel/local.ts";
import { openHosting, resumeHosting } from "../channel/open-hosting.ts";
import type { SessionChannel } from "../channel/session-channel.ts";
import type { WorkerHosting } from "../channel/worker-hosting.ts";
import { operatorConfig } from "../config/given-config.ts";
import { BridgeError } from "../errors.ts";
import { type LocalCall, localUnary } from "../grpc/local.ts";
import { createRouter, type Route } from "../grpc/router.ts";
import { createGrpcServer, type GrpcServer } from "../grpc/server.ts";
import type { HostService } from "../host/host-service.ts";
import type { BridgeContext } from "../lifecycle/bridge.ts";
import { createCurrentUpstream } from "../lifecycle/current-upstream.ts";
import { providerIdentity } from "../lifecycle/identity.ts";
import { assertProtocolVersion } from "../lifecycle/protocol-version.ts";
import { createProxy } from "../proxy/proxy.ts";
import { callWorker } from "../proxy/worker-call.ts";
import { createHealth, type HealthService } from "../services/health.ts";
import { createReflection } from "../services/reflection.ts";
import { checkConfigSize } from "../session/config-size.ts";
import { configured, type Session } from "../session/session.ts";
import { sessionUpstream } from "../session/session-upstream.ts";
import type { OpenSocket } from "../supervisor/supervision.ts";
import type { Target } from "../target/target.ts";
import { traceMetadata } from "../tracing/trace-metadata.ts";
import type { TracerSource } from "../tracing/tracer.ts";
import type { UpstreamSource } from "../upstream.ts";
import type { HostedKind } from "./hosted-kind.ts";

export interface HostedProviderOptions {
  readonly kind: HostedKind;
  /** With the config, when it has been configured before. */
  readonly session: Session;
  readonly target: Target;
  readonly context: BridgeContext;
  /** Host services that gestaltd offers the session. */
  readonly services: ReadonlyMap<string, HostService>;
  /** What the bridge itself answers to the worker, over the session's channel. */
  readonly local?: LocalMethods | undefined;
  /** Undefined where nothing is traced. */
  readonly tracer?: TracerSource | undefined;
  /** The worker is about to be told a config. */
  readonly configuring: (config: JsonObject) => void;
  /** The session has a new config, which the worker has taken. Awaited before gestaltd hears of it. */
  readonly configured: (session: Session) => Promise<void>;
}

/** What gestaltd says when it configures a provider, by either of the two calls. */
interface ConfigureRequest {
  readonly name: string;
  readonly config?: JsonObject | undefined;
  readonly protocolVersion: number;
}

export class HostedProvider {
  readonly #options: HostedProviderOptions;
  readonly #upstream = createCurrentUpstream("not configured: gestaltd must call ConfigureProvider first");
  readonly #health: HealthService;
  readonly #server: GrpcServer;
  #session: Session;
  #source: UpstreamSource;
  #socket: OpenSocket | undefined;
  #channel: SessionChannel | undefined;
  /** Aborts when the session ends. */
  readonly #ended = new AbortController();

  constructor(options: HostedProviderOptions) {
    const { kind, session, target, context, tracer } = options;
    this.#options = options;
    this.#session = session;
    this.#source = sessionUpstream(session, target);
    this.#health = createHealth(kind.services);
    this.#server = createGrpcServer({
      router: createRouter([
        ...this.#configureRoutes(),
        ...createProxy(this.#upstream, kind.services),
        ...this.#health.routes,
        ...createReflection([...kind.services, Health]),
      ]),
      onFault: (error, method) => context.log.error("a call failed by a fault of the bridge", { method, error }),
      tracer,
    });
    // A plugin is asked for its metadata before it has a config.
    if (kind.configuredBy === "start" || session.config !== undefined) this.#upstream.set(this.#source);
  }

  /**
   * Opens the session's host channel where `worker` has one; tells whether there is one now.
   *
   * @throws BridgeError as {@link openHosting} does.
   */
  async openHosting(worker: WorkerHosting): Promise<boolean> {
    this.#channel = await openHosting({ ...this.#hosting(), worker }, this.#ended.signal);
    return this.#channel !== undefined;
  }

  /** The same for a session that has been here before, without waiting. */
  resumeHosting(hadChannel: boolean): void {
    this.#channel = resumeHosting(this.#hosting(), hadChannel);
  }

  /** Ends the session's host calls. A channel that is still being opened is given up. */
  async closeHosting(): Promise<void> {
    this.#ended.abort();
    await this.#channel?.close();
  }

  /** @throws BridgeError when the socket cannot be bound. */
  async listen(path: string): Promise<void> {
    this.#socket = await this.#options.context.sockets.open(path, this.#server);
  }

  /** Takes no more calls and lets those in flight finish for `graceMs`; what is left fails UNAVAILABLE. */
  async drain(graceMs: number): Promise<void> {
    this.#socket?.close();
    this.#health.close();
    await this.#server.close(graceMs);
  }

  /**
   * Tells the worker that the session has ended, within `limitMs` or as far as it comes until then. The host channel goes
   * last: what the worker still has to say, a log for one, it says there.
   */
  async sayGoodbye(limitMs: number): Promise<void> {
    const signal = AbortSignal.timeout(limitMs);
    await callWorker(this.#source, WorkerService.method.closeSession, {}, { signal }).catch(() => undefined);
    await this.closeHosting();
  }

  #hosting() {
    const { session, services, context, local, tracer } = this.#options;
    // The next connection gets a token of the configuration that is in force then.
    const source: UpstreamSource = {
      upstream: () => this.#source.upstream(),
      connectFailed: (upstream) => this.#source.connectFailed(upstream),
    };
    return { name: session.name, services, source, context, local, tracer };
  }

  /** The calls gestaltd tells the config by: the bridge learns it on its way. */
  #configureRoutes(): Route[] {
    if (this.#options.kind.configuredBy === "start") {
      const { startProvider } = IntegrationProvider.method;
      const start = (request: ConfigureRequest, call: LocalCall) =>
        this.#configure(request, (source, forwarded) =>
          callWorker(source, startProvider, forwarded, optionsOf(call)).catch(ignoreUnimplemented),
        );
      return [localUnary(startProvider, start)];
    }
    const { getProviderIdentity, configureProvider } = ProviderLifecycle.method;
    const configure = (request: ConfigureRequest, call: LocalCall) =>
      this.#configure(request, (source, forwarded) =>
        callWorker(source, configureProvider, forwarded, optionsOf(call)),
      );
    return [
      localUnary(getProviderIdentity, (_request, call) => this.#identity(call)),
      localUnary(configureProvider, configure),
    ];
  }

  #identity(call: LocalCall) {
    const { kind, context } = this.#options;
    const { name, config } = this.#session;
    const own = { kind: kind.kind, name, displayName: name, description: "" };
    return providerIdentity(own, config === undefined ? undefined : this.#source, call, context.log);
  }

  /** The worker gets the config by the new token, as with every later call; `tell` is the first of them. */
  async #configure(
    { name, config, protocolVersion }: ConfigureRequest,
    tell: (source: UpstreamSource, forwarded: ConfigureRequest) => Promise<unknown>,
  ) {
    assertProtocolVersion(protocolVersion);
    const own = operatorConfig(config);
    checkConfigSize(own, this.#session.name);
    this.#options.configuring(own);
    const session = configured(this.#session, own);
    const source = sessionUpstream(session, this.#options.target);
    await tell(source, { name, config: own, protocolVersion: PROTOCOL_VERSION });
    await this.#options.configured(session);
    this.#session = session;
    this.#source = source;
    this.#upstream.set(source);
    return { protocolVersion: PROTOCOL_VERSION };
  }
}

function optionsOf({ deadline, signal, metadata }: LocalCall) {
  return { deadline, signal, metadata: traceMetadata(metadata) };
}

/** A plugin need not have anything to do at its start. */
function ignoreUnimplemented(error: unknown): void {
  if (!(error instanceof BridgeError) || error.code !== GrpcCode.unimplemented) throw error;
}
