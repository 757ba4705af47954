// A bridge that is one provider (cache, s3, …): answers the handshake, learns the config, proxies the rest.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { WorkerService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import { type ConfigureProviderRequest, ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { PACKAGE_VERSION } from "../../wire/version.ts";
import type { WorkerConfig } from "../config/worker-config.ts";
import { type LocalCall, localUnary } from "../grpc/local.ts";
import type { BridgeKind } from "../kinds.ts";
import { createProxy, proxyRoute } from "../proxy/proxy.ts";
import { callWorker } from "../proxy/worker-call.ts";
import { configured, type Session } from "../session/session.ts";
import type { Target } from "../target/target.ts";
import type { UpstreamSource } from "../upstream.ts";
import type { Bridge, BridgeContext } from "./bridge.ts";
import { createCurrentUpstream } from "./current-upstream.ts";
import { assertProtocolVersion } from "./protocol-version.ts";

/** Everything that exists only after configuration. */
interface Configured {
  readonly session: Session;
  readonly worker: WorkerConfig;
  readonly target: Target;
  readonly source: UpstreamSource;
}

/** The worker hears of a session's end within this time or not at all, in milliseconds; gestaltd kills after 2,000. */
const CLOSE_SESSION_MS = 500;

export function createProviderBridge(kind: BridgeKind, context: BridgeContext): Bridge {
  const bridge = new ProviderBridge(kind, context);
  const { upstream } = bridge;
  const lifecycle = ProviderLifecycle.method;
  return {
    services: [ProviderLifecycle, ...kind.services],
    routes: [
      localUnary(lifecycle.getProviderIdentity, (_request, call) => bridge.identity(call)),
      localUnary(lifecycle.configureProvider, (request, call) => bridge.configure(request, call)),
      proxyRoute(upstream, lifecycle.healthCheck),
      proxyRoute(upstream, lifecycle.startProvider),
      ...createProxy(upstream, kind.services),
    ],
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

  /** gestaltd asks before configuration whether the kind fits, and afterwards what to display. */
  async identity(call: LocalCall) {
    const { kind, displayName, description } = this.#kind;
    const versions = { minProtocolVersion: PROTOCOL_VERSION, maxProtocolVersion: PROTOCOL_VERSION };
    const own = { kind, name: this.#context.name, displayName, description, version: PACKAGE_VERSION, ...versions };
    if (this.#configured === undefined) return own;
    const { source, session } = this.#configured;
    try {
      const { method } = ProviderLifecycle;
      const told = await callWorker(source, method.getProviderIdentity, {}, callOptions(call));
      return { ...told, kind, name: session.name, ...versions };
    } catch (error) {
      // What is only displayed must not end the start; the calls that follow report the fault.
      this.#context.log.warn("the worker does not tell its identity", { error });
      return { ...own, name: session.name };
    }
  }

  configure(request: ConfigureProviderRequest, call: LocalCall) {
    assertProtocolVersion(request.protocolVersion);
    const done = this.#configuring.then(() => this.#configure(request, call));
    this.#configuring = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    await this.#configuring;
    if (this.#configured === undefined) return;
    const { source, target } = this.#configured;
    const signal = AbortSignal.timeout(CLOSE_SESSION_MS);
    await callWorker(source, WorkerService.method.closeSession, {}, { signal }).catch(() => undefined);
    await target.close();
  }

  async #configure(request: ConfigureProviderRequest, call: LocalCall) {
    // Loaded only now: the socket must be open before zod, jose and undici are.
    const { parseProviderConfig, operatorConfig } = await import("../config/provider-config.ts");
    const { checkConfigSize } = await import("../session/config-size.ts");
    const name = request.name || this.#context.name;
    const { worker, own } = parseProviderConfig(operatorConfig(request.config), name);
    checkConfigSize(own, name);
    const next = await this.#open(worker, own, name, call);
    const previous = this.#configured;
    this.#configured = next;
    this.upstream.set(next.source);
    if (previous !== undefined && previous.target !== next.target) await previous.target.close();
    return { protocolVersion: PROTOCOL_VERSION };
  }

  /** The session with its new config, tried out: nothing has changed when it fails. */
  async #open(worker: WorkerConfig, own: JsonObject, name: string, call: LocalCall): Promise<Configured> {
    const { openTarget } = await import("../target/open-target.ts");
    const { describeWorker, pickProvider } = await import("./served-provider.ts");
    const { sessionUpstream } = await import("../session/session-upstream.ts");
    const previous = this.#configured;
    const reused = previous !== undefined && isDeepStrictEqual(previous.worker, worker);
    const target = reused ? previous.target : await openTarget(worker, this.#context);
    try {
      const draft = previous?.session ?? newSession(name);
      const wanted = { kind: this.#kind.kind, configured: worker.provider, guesses: [name, this.#kind.name] };
      const asking = { ...draft, provider: worker.provider ?? name };
      const provider = pickProvider(await describeWorker(asking, target, callOptions(call)), wanted, target);
      const session = configured({ ...draft, provider, name }, own);
      const source = sessionUpstream(session, target);
      const forwarded = { name, config: own, protocolVersion: PROTOCOL_VERSION };
      await callWorker(source, ProviderLifecycle.method.configureProvider, forwarded, callOptions(call));
      return { session, worker, target, source };
    } catch (error) {
      if (!reused) await target.close();
      throw error;
    }
  }
}

function newSession(name: string): Session {
  return { id: randomUUID(), revision: 0, provider: name, name, config: undefined, variables: {}, hosts: [] };
}

function callOptions({ deadline, signal }: LocalCall) {
  return { deadline, signal };
}
