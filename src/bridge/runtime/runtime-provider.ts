// PluginRuntimeProvider: sessions, each with its socket. Loaded when gestaltd has configured the runtime.
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type {
  PluginRuntimeEgressMode,
  StartHostedPluginRequest,
  StartPluginRuntimeSessionRequest,
} from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { operatorConfig } from "../config/given-config.ts";
import { parseRuntimeConfig } from "../config/runtime-config.ts";
import { createEgressSupport, type EgressSupport } from "../egress/support.ts";
import { SOCKET_VARIABLE } from "../environment.ts";
import { BridgeError } from "../errors.ts";
import type { BridgeContext } from "../lifecycle/bridge.ts";
import { privateSocketFolder } from "../socket-folder.ts";
import { HostedSession } from "./hosted-session.ts";
import type { KeptSession } from "./kept-session.ts";
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

/** All sessions end within this time when the bridge does, in milliseconds; gestaltd kills after 2,000. */
const CLOSE_MS = 1_700;
/** Characters of a session's id that name its socket: paths of sockets are short. */
const SOCKET_NAME_LENGTH = 8;

export class RuntimeProvider {
  readonly #context: BridgeContext;
  readonly #targets: WorkerTargets;
  readonly #egress: EgressSupport;
  readonly #sessions = new Map<string, HostedSession>();
  /** Holds the sessions' sockets; only this user can enter. */
  readonly #folder: string;

  /**
   * `folder` is the predecessor's, when there was one.
   *
   * @throws BridgeError INVALID_ARGUMENT when the config is wrong.
   */
  constructor(config: JsonObject | undefined, name: string, context: BridgeContext, folder?: string) {
    this.#context = context;
    const parsed = parseRuntimeConfig(operatorConfig(config), name);
    this.#targets = createWorkerTargets(parsed, context);
    this.#egress = createEgressSupport(
      Array.from(parsed.workers, ([worker, { type, provider }]) => {
        return { name: worker, embedded: type === "embedded", provider, open: () => this.#targets.open(worker) };
      }),
    );
    // Beside the bridge's own socket: gestaltd removes that folder, even after a bridge that was killed.
    const own = context.env[SOCKET_VARIABLE];
    this.#folder = folder ?? privateSocketFolder(own === undefined ? undefined : dirname(own));
    context.keeper.adoptFolder(this.#folder);
  }

  /** Whether a plugin that may reach certain hosts only can be hosted, wherever it would come to run. */
  egressMode(): Promise<PluginRuntimeEgressMode> {
    return this.#egress.mode();
  }

  get folder(): string {
    return this.#folder;
  }

  async startSession(request: StartPluginRuntimeSessionRequest): Promise<SessionView> {
    if (request.pluginName === "") throw new BridgeError(GrpcCode.invalidArgument, "plugin_name is missing");
    const session = HostedSession.create(request, this.#targets, this.#context);
    this.#sessions.set(session.id, session);
    await session.keep();
    const first = view(session);
    void session.prepare();
    return first;
  }

  getSession(id: string): SessionView {
    const session = this.#find(id);
    session.asked();
    return view(session);
  }

  listSessions(): SessionView[] {
    return [...this.#sessions.values()].map(view);
  }

  async startPlugin(request: StartHostedPluginRequest) {
    const { sessionId, pluginName } = request;
    const session = this.#find(sessionId);
    const path = join(this.#folder, `${session.id.slice(0, SOCKET_NAME_LENGTH)}.sock`);
    await session.startProvider(request, path);
    return { id: session.id, sessionId, pluginName: pluginName || session.pluginName, dialTarget: `unix://${path}` };
  }

  /** Until its last call has ended the session is known, since gestaltd asks for it whenever such a call calls back. */
  async stopSession(id: string, deadline: number | undefined): Promise<void> {
    const session = this.#find(id);
    session.forget();
    await session.stop(deadline);
    this.#sessions.delete(id);
  }

  /** Puts the sessions of a predecessor in place. One that cannot be restored is failed, and says why. */
  async restore(kept: readonly KeptSession[]): Promise<void> {
    for (const one of kept) {
      const session = new HostedSession(one, this.#targets, this.#context);
      this.#sessions.set(session.id, session);
    }
    await Promise.all(
      kept.map(async (one) => {
        const session = this.#find(one.id);
        await session.restore(one).catch((error: unknown) => session.fail(error));
      }),
    );
  }

  async close(): Promise<void> {
    const deadline = Date.now() + CLOSE_MS;
    await Promise.allSettled([...this.#sessions.values()].map((session) => session.stop(deadline)));
    this.#sessions.clear();
    await this.#targets.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #find(id: string): HostedSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new BridgeError(GrpcCode.notFound, `there is no session ${JSON.stringify(id)}`);
    return session;
  }
}

function view(session: HostedSession): SessionView {
  const { id, state, metadata, startedAt } = session;
  return {
    id,
    state: state.type,
    metadata,
    lifecycle: { startedAt: timestampFromDate(startedAt) },
    stateReason: session.stopping ? "stopping" : state.type === "failed" ? state.reason : "",
    stateMessage: state.type === "failed" ? state.message : "",
  };
}
