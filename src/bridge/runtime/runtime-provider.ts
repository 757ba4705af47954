// PluginRuntimeProvider: sessions, each with its socket. Loaded when gestaltd has configured the runtime.
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type {
  StartHostedPluginRequest,
  StartPluginRuntimeSessionRequest,
} from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { operatorConfig } from "../config/provider-config.ts";
import { parseRuntimeConfig } from "../config/runtime-config.ts";
import { SOCKET_VARIABLE } from "../environment.ts";
import { BridgeError } from "../errors.ts";
import type { BridgeContext } from "../lifecycle/bridge.ts";
import { privateSocketFolder } from "../socket-folder.ts";
import { HostedSession } from "./hosted-session.ts";
import { splitEnvironment } from "./plugin-environment.ts";
import { createWorkerTargets, type WorkerTargets } from "./worker-targets.ts";

/** A session in the shape of `PluginRuntimeSession`. */
export interface SessionView {
  readonly id: string;
  readonly state: string;
  readonly metadata: Record<string, string>;
  readonly lifecycle: { readonly startedAt: Timestamp };
  readonly stateReason: string;
  readonly stateMessage: string;
}

export class RuntimeProvider {
  readonly #context: BridgeContext;
  readonly #targets: WorkerTargets;
  readonly #sessions = new Map<string, HostedSession>();
  /** Holds the sessions' sockets; only this user can enter. */
  readonly #folder: string;
  #sockets = 0;

  /** @throws BridgeError INVALID_ARGUMENT when the config is wrong. */
  constructor(config: JsonObject | undefined, name: string, context: BridgeContext) {
    this.#context = context;
    this.#targets = createWorkerTargets(parseRuntimeConfig(operatorConfig(config), name), context);
    // Beside the bridge's own socket: gestaltd removes that folder, even after a bridge that was killed.
    const own = context.env[SOCKET_VARIABLE];
    this.#folder = privateSocketFolder(own === undefined ? undefined : dirname(own));
  }

  startSession(request: StartPluginRuntimeSessionRequest): SessionView {
    if (request.pluginName === "") throw new BridgeError(GrpcCode.invalidArgument, "plugin_name is missing");
    const session = new HostedSession(request, this.#targets, this.#context.log);
    this.#sessions.set(session.id, session);
    void session.prepare();
    return view(session);
  }

  getSession(id: string): SessionView {
    return view(this.#find(id));
  }

  listSessions(): SessionView[] {
    return [...this.#sessions.values()].map(view);
  }

  async startPlugin({ sessionId, pluginName, env, allowedHosts, defaultAction }: StartHostedPluginRequest) {
    const session = this.#find(sessionId);
    // gestaltd does not place such a plugin here, since GetSupport says NONE; should it all the same, it never runs unguarded.
    if (allowedHosts.length > 0 || defaultAction === "deny") throw egressNotEnforced(session.pluginName);
    this.#sockets += 1;
    const path = join(this.#folder, `${this.#sockets}.sock`);
    await session.startPlugin(path, splitEnvironment(env, this.#context.secrets));
    return { id: session.id, sessionId, pluginName: pluginName || session.pluginName, dialTarget: `unix://${path}` };
  }

  /** The session is unknown from now on, while its calls still have a moment to finish. */
  async stopSession(id: string): Promise<void> {
    const session = this.#find(id);
    this.#sessions.delete(id);
    await session.stop();
  }

  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.allSettled(sessions.map((session) => session.stop()));
    await this.#targets.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #find(id: string): HostedSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new BridgeError(GrpcCode.notFound, `there is no session ${JSON.stringify(id)}`);
    return session;
  }
}

function egressNotEnforced(pluginName: string): BridgeError {
  return new BridgeError(
    GrpcCode.failedPrecondition,
    `plugin ${JSON.stringify(pluginName)} may reach certain hosts only, and this runtime does not enforce that; ` +
      "host it elsewhere, or remove its allowedHosts and the default action deny",
  );
}

function view(session: HostedSession): SessionView {
  const { id, state, metadata, startedAt } = session;
  return {
    id,
    state: state.type,
    metadata,
    lifecycle: { startedAt: timestampFromDate(startedAt) },
    stateReason: state.type === "failed" ? state.reason : "",
    stateMessage: state.type === "failed" ? state.message : "",
  };
}
