// One hosted session: checks its worker, then serves its plugin on a Unix socket of its own.
import { randomUUID } from "node:crypto";
import { WorkerService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import { IntegrationProvider, type StartProviderRequest } from "../../gen/gestalt/provider/v1/integration_pb.ts";
import type { StartPluginRuntimeSessionRequest } from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import { operatorConfig } from "../config/provider-config.ts";
import { BridgeError } from "../errors.ts";
import { type LocalCall, localUnary } from "../grpc/local.ts";
import { createRouter } from "../grpc/router.ts";
import { createGrpcServer, type GrpcServer } from "../grpc/server.ts";
import { createCurrentUpstream } from "../lifecycle/current-upstream.ts";
import { assertProtocolVersion } from "../lifecycle/protocol-version.ts";
import type { Log } from "../log.ts";
import { createProxy } from "../proxy/proxy.ts";
import { callWorker } from "../proxy/worker-call.ts";
import { createHealth, type HealthService } from "../services/health.ts";
import { createReflection } from "../services/reflection.ts";
import { checkConfigSize, checkVariablesSize } from "../session/config-size.ts";
import { configured, type Session } from "../session/session.ts";
import { sessionUpstream } from "../session/session-upstream.ts";
import type { Target } from "../target/target.ts";
import type { UpstreamSource } from "../upstream.ts";
import { checkWorker } from "./check-worker.ts";
import type { PluginEnvironment } from "./plugin-environment.ts";
import type { SessionState } from "./session-state.ts";
import type { WorkerTargets } from "./worker-targets.ts";

/** gestaltd waits 3,000 ms for StopSession; calls in flight and the worker's goodbye each get a part of that. */
const STOP_GRACE_MS = 500;
const CLOSE_SESSION_MS = 500;

export class HostedSession {
  readonly id: string;
  readonly pluginName: string;
  readonly startedAt = new Date();
  readonly #request: StartPluginRuntimeSessionRequest;
  readonly #targets: WorkerTargets;
  readonly #log: Log;
  readonly #upstream = createCurrentUpstream("the plugin is not started: gestaltd must call StartPlugin first");
  #state: SessionState = { type: "pending" };
  #image: Readonly<Record<string, string>> = {};
  #target: Target | undefined;
  #plugin: { readonly server: GrpcServer; readonly health: HealthService } | "starting" | undefined;
  #session: Session | undefined;
  #source: UpstreamSource | undefined;
  #stopped = false;

  constructor(request: StartPluginRuntimeSessionRequest, targets: WorkerTargets, log: Log) {
    this.id = randomUUID();
    this.pluginName = request.pluginName;
    this.#request = request;
    this.#targets = targets;
    this.#log = log;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What gestaltd gave, then what it reads back: `plugin` is what its admin list shows, the rest tells images apart. */
  get metadata(): Record<string, string> {
    return { ...this.#request.metadata, plugin: this.pluginName, ...this.#image };
  }

  /** Finds the worker and asks it what it serves; ends in `ready` or `failed`, never rejects. */
  async prepare(): Promise<void> {
    const { template, image } = this.#request;
    const found = await checkWorker({ id: this.id, template, image, pluginName: this.pluginName }, this.#targets);
    if (this.#stopped) return;
    const { state } = found;
    this.#state = state;
    this.#target = found.target;
    this.#image = found.image ?? {};
    if (state.type !== "failed") return;
    // gestaltd shows the operator no more than "failed"; this line reaches its stderr.
    this.#log.error("session failed", { plugin: this.pluginName, reason: state.reason, cause: state.message });
  }

  /**
   * Serves the plugin on `path`.
   *
   * @throws BridgeError FAILED_PRECONDITION when the session is not ready; ALREADY_EXISTS when a plugin was started.
   */
  async startPlugin(path: string, environment: PluginEnvironment): Promise<void> {
    const { target, provider } = this.#requireReady();
    if (this.#plugin !== undefined) {
      throw new BridgeError(
        GrpcCode.alreadyExists,
        `session ${this.id} already runs its plugin; start another session`,
      );
    }
    checkVariablesSize(environment.variables, this.pluginName);
    this.#plugin = "starting";
    const { variables, hosts } = environment;
    const name = this.pluginName;
    const session = {
      id: this.id,
      revision: 0,
      provider,
      name,
      config: undefined,
      variables,
      hosts: [...hosts.keys()],
    };
    this.#use(session, sessionUpstream(session, target));
    const health = createHealth([IntegrationProvider]);
    const server = createGrpcServer({
      router: createRouter([
        localUnary(IntegrationProvider.method.startProvider, (request, call) => this.#startProvider(request, call)),
        ...createProxy(this.#upstream, [IntegrationProvider]),
        ...health.routes,
        ...createReflection([IntegrationProvider, Health]),
      ]),
      onFault: (error, method) => this.#log.error("a call failed by a fault of the bridge", { method, error }),
    });
    try {
      await server.listen({ path });
      this.#plugin = { server, health };
    } catch (error) {
      this.#plugin = undefined;
      throw error;
    }
  }

  /** Closes the socket and tells the worker, as far as it can be reached. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#plugin !== undefined && this.#plugin !== "starting") {
      this.#plugin.health.close();
      await this.#plugin.server.close(STOP_GRACE_MS);
    }
    if (this.#source === undefined) return;
    const signal = AbortSignal.timeout(CLOSE_SESSION_MS);
    await callWorker(this.#source, WorkerService.method.closeSession, {}, { signal }).catch(() => undefined);
  }

  /** Learns the config on its way: the worker gets it by the new token, as with every later call. */
  async #startProvider(request: StartProviderRequest, { deadline, signal }: LocalCall) {
    assertProtocolVersion(request.protocolVersion);
    const { target } = this.#requireReady();
    if (this.#session === undefined) throw new BridgeError(GrpcCode.failedPrecondition, "the plugin is not started");
    const config = operatorConfig(request.config);
    checkConfigSize(config, this.pluginName);
    const session = configured(this.#session, config);
    const source = sessionUpstream(session, target);
    const forwarded = { name: request.name, config, protocolVersion: PROTOCOL_VERSION };
    try {
      await callWorker(source, IntegrationProvider.method.startProvider, forwarded, { deadline, signal });
    } catch (error) {
      if (!(error instanceof BridgeError) || error.code !== GrpcCode.unimplemented) throw error;
    }
    this.#use(session, source);
    return { protocolVersion: PROTOCOL_VERSION };
  }

  #use(session: Session, source: UpstreamSource): void {
    this.#session = session;
    this.#source = source;
    this.#upstream.set(source);
  }

  #requireReady(): { target: Target; provider: string } {
    if (this.#state.type === "ready" && this.#target !== undefined && !this.#stopped) {
      return { target: this.#target, provider: this.#state.provider };
    }
    const why = this.#state.type === "failed" ? `: ${this.#state.message}` : "";
    throw new BridgeError(GrpcCode.failedPrecondition, `session ${this.id} is ${this.#state.type}${why}`);
  }
}
