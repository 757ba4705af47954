// The embedded worker as a target: knows from its node where workerd is, follows it when it dies, moves or is replaced.
import { realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GrpcCode } from "../../wire/codes.ts";
import { HEALTH_PATH } from "../../wire/routes.ts";
import type { EmbeddedWorkerConfig } from "../config/worker-config.ts";
import { type NodeGuard, NodeGuards } from "../egress/node-guards.ts";
import type { SessionEgress } from "../egress/session-egress.ts";
import { attachNode } from "../embedded/attach-node.ts";
import {
  type BridgeMessage,
  type EmbeddedWorker,
  type NodeMessage,
  nodeMessageSchema,
  type WorkerState,
} from "../embedded/control-protocol.ts";
import { onLines, sendLine } from "../embedded/json-lines.ts";
import { openStateFolder, type StateFolder } from "../embedded/state-folder.ts";
import { findWranglerFile } from "../embedded/wrangler-file.ts";
import { BridgeError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { SessionLog } from "../runtime-logs/session-log.ts";
import { parseSigningKey, type SecretContext } from "../session/signing-key.ts";
import { FollowedLogs } from "./followed-logs.ts";
import { openPool } from "./pool.ts";
import type { Endpoint, Target } from "./target.ts";

/** A call waits this long for a worker that is being built or restarted, in milliseconds; less than gestaltd's 30 s. */
const READY_MS = 25_000;
/** After a lost connection the worker is asked for a sign of life this often, in milliseconds … */
const PROBE_MS = 50;
/** … for this long, in milliseconds; by then the node has told what happened. */
const SUSPICION_MS = 5_000;
/** A failed start is not tried again for this long, in milliseconds: calls keep coming, and each would build the project. */
const FAILURE_MS = 1_000;
/**
 * So many nodes may end without ever having had a worker before that counts as a failure. One can be a node that is just
 * dying: its socket may still accept when its other connections are closed already.
 */
const MAX_FRUITLESS = 3;

/**
 * Joins the project's node on the first call, starting it when it is not there. Errors of the project come from
 * {@link Target.endpoint}.
 *
 * @throws BridgeError FAILED_PRECONDITION when there is no such folder, or it holds no Worker project.
 */
export function openEmbeddedTarget(config: EmbeddedWorkerConfig, context: SecretContext, path = "worker"): Target {
  const project = realFolder(resolve(context.root, config.project), path);
  // Asked before the state folder is made: nothing is left in a folder that was named by mistake.
  findWranglerFile(project, path);
  const state = config.state === undefined ? undefined : resolve(context.root, config.state);
  return new EmbeddedTarget(project, openStateFolder(project, state), context);
}

function realFolder(folder: string, path: string): string {
  try {
    return realpathSync(folder);
  } catch {
    throw new BridgeError(GrpcCode.failedPrecondition, `there is no folder ${folder}; ${path}.project must name one`);
  }
}

type Link =
  | { readonly type: "none" }
  | { readonly type: "joining" }
  | { readonly type: "joined"; readonly socket: Socket }
  | { readonly type: "failed"; readonly error: BridgeError; readonly until: number }
  | { readonly type: "closed" };

class EmbeddedTarget implements Target {
  readonly description: string;
  readonly #folder: StateFolder;
  readonly #context: SecretContext;
  #link: Link = { type: "none" };
  /** The worker as the node last told it; its pool is ours to close. */
  #known: { readonly worker: EmbeddedWorker; readonly endpoint: Endpoint } | undefined;
  /** `suspect`: a call could not connect, and the node has not said anything about it yet. */
  #health: "up" | "suspect" | "down" = "down";
  /** Nodes in a row that were joined and left again without a worker. */
  #fruitless = 0;
  /** Calls that wait for a worker, or for the guarded service of their session. */
  readonly #waiting = new Map<PromiseWithResolvers<Endpoint>, NodeGuard | undefined>();
  readonly #guards = new NodeGuards((message) => this.#send(message));
  readonly #logs = new FollowedLogs((message) => this.#send(message));
  /** Messages are handled one after the other, because a key takes a moment to import. */
  #handled: Promise<void> = Promise.resolve();

  constructor(project: string, folder: StateFolder, context: SecretContext) {
    this.description = project;
    this.#folder = folder;
    this.#context = context;
  }

  endpoint(guard?: NodeGuard): Endpoint | Promise<Endpoint> {
    const ready = this.#health === "up" ? this.#endpointOf(guard) : undefined;
    if (ready !== undefined) return ready;
    const link = this.#link;
    if (link.type === "closed") throw stopping();
    if (link.type === "failed" && Date.now() < link.until) throw link.error;
    if (link.type === "none" || link.type === "failed") void this.#join();
    return this.#wait(guard);
  }

  guarded(egress: SessionEgress, log: Log): Target {
    const guard = this.#guards.add(egress, log);
    return {
      description: this.description,
      endpoint: () => this.endpoint(guard),
      connectFailed: (endpoint) => this.connectFailed(endpoint),
      followLog: (session, sessionLog, faults) => this.followLog(session, sessionLog, faults),
      close: async () => this.#guards.remove(guard),
    };
  }

  followLog(session: string, log: SessionLog, faults: "each" | "shared"): () => void {
    return this.#logs.follow(session, log, faults);
  }

  connectFailed(endpoint: Endpoint): void {
    if (!this.#isKnown(endpoint) || this.#health !== "up") return;
    this.#health = "suspect";
    void this.#probe(endpoint, Date.now() + SUSPICION_MS);
  }

  async close(): Promise<void> {
    if (this.#link.type === "joined") this.#link.socket.destroy();
    this.#link = { type: "closed" };
    this.#health = "down";
    this.#refuse(stopping());
    await this.#guards.close();
    await this.#known?.endpoint.dispatcher.destroy();
  }

  #send(message: BridgeMessage): void {
    if (this.#link.type === "joined") sendLine(this.#link.socket, message);
  }

  #endpointOf(guard: NodeGuard | undefined): Endpoint | undefined {
    if (guard === undefined) return this.#known?.endpoint;
    const refusal = guard.refusal;
    if (refusal !== undefined) throw refusal;
    return guard.endpoint;
  }

  #isKnown(endpoint: Endpoint): boolean {
    return this.#known?.endpoint === endpoint || this.#guards.has(endpoint);
  }

  /** Ends the suspicion when the worker answers. When it does not, the node will say that it is down. */
  async #probe(endpoint: Endpoint, deadline: number): Promise<void> {
    while (this.#health === "suspect" && this.#isKnown(endpoint)) {
      if (Date.now() > deadline || (await answers(endpoint))) {
        if (this.#health === "suspect") this.#up();
        return;
      }
      await sleep(PROBE_MS, undefined, { ref: false });
    }
  }

  async #join(): Promise<void> {
    this.#link = { type: "joining" };
    try {
      const socket = await attachNode(this.description, this.#folder, this.#context.env);
      if (this.#isClosed()) {
        socket.destroy();
        return;
      }
      this.#link = { type: "joined", socket };
      onLines(socket, nodeMessageSchema, (message) => {
        this.#handled = this.#handled.then(() => this.#hear(message)).catch((error) => this.#failed(error));
      });
      socket.once("close", () => void this.#handled.then(() => this.#left(socket)));
    } catch (error) {
      this.#failed(error);
    }
  }

  async #hear(message: NodeMessage): Promise<void> {
    if (this.#isClosed()) return;
    if (message.type === "line") return this.#logs.receive(message);
    if (message.type === "state") this.#logs.heard(message);
    if (message.type === "denied") this.#guards.denied(message);
    if (message.type === "guard-refused") this.#guards.refused(message);
    if (message.type === "state") await this.#handle(message.state, message.guards);
    if (this.#health === "up") this.#up();
  }

  async #handle(state: WorkerState, origins: Readonly<Record<string, string>> | undefined): Promise<void> {
    this.#guards.joined(origins !== undefined);
    if (state.type === "ready" || state.type === "reload-failed") return this.#ready(state.worker, origins ?? {});
    this.#health = "down";
    if (state.type === "failed") this.#failed(new BridgeError(GrpcCode.failedPrecondition, state.message));
  }

  async #ready(worker: EmbeddedWorker, origins: Readonly<Record<string, string>>): Promise<void> {
    if (JSON.stringify(this.#known?.worker) !== JSON.stringify(worker)) {
      const { origin, name, key } = worker;
      const signingKey = await parseSigningKey(JSON.stringify(key), "key of the embedded worker");
      const previous = this.#known;
      const dispatcher =
        previous?.worker.origin === origin ? previous.endpoint.dispatcher : openPool({ origin, env: {} });
      const endpoint = { origin, basePath: "", dispatcher, headers: {}, audience: name, key: signingKey };
      this.#known = { worker, endpoint };
      // Calls in flight on the old pool may finish.
      if (previous && previous.endpoint.dispatcher !== dispatcher) void previous.endpoint.dispatcher.close();
    }
    this.#fruitless = 0;
    if (this.#known) this.#guards.update(origins, this.#known.endpoint);
    this.#up();
  }

  /** The node has gone. A new one is joined at once when calls wait, otherwise so that the next call need not. */
  #left(socket: Socket): void {
    if (this.#link.type !== "joined" || this.#link.socket !== socket) return;
    this.#health = "down";
    this.#guards.left();
    this.#logs.left();
    this.#fruitless += 1;
    if (this.#fruitless < MAX_FRUITLESS) void this.#join();
    else this.#failed(new BridgeError(GrpcCode.unavailable, this.#endedEarly()));
  }

  #failed(cause: unknown): void {
    if (this.#isClosed()) return;
    if (this.#link.type === "joined") this.#link.socket.destroy();
    const error = toBridgeError(cause);
    this.#health = "down";
    this.#link = { type: "failed", error, until: Date.now() + FAILURE_MS };
    this.#refuse(error);
  }

  #wait(guard: NodeGuard | undefined): Promise<Endpoint> {
    const waiter = Promise.withResolvers<Endpoint>();
    this.#waiting.set(waiter, guard);
    const timer = setTimeout(() => {
      this.#waiting.delete(waiter);
      const message = `the embedded worker of ${this.description} was not ready within ${READY_MS / 1000} s`;
      waiter.reject(new BridgeError(GrpcCode.unavailable, `${message}; see ${this.#folder.logFile}`));
    }, READY_MS);
    return waiter.promise.finally(() => clearTimeout(timer));
  }

  /** A call of a guarded session goes on waiting while its service is not there. */
  #up(): void {
    this.#health = "up";
    for (const [waiter, guard] of this.#waiting) {
      try {
        const endpoint = this.#endpointOf(guard);
        if (endpoint === undefined) continue;
        waiter.resolve(endpoint);
      } catch (error) {
        waiter.reject(error);
      }
      this.#waiting.delete(waiter);
    }
  }

  #refuse(error: BridgeError): void {
    for (const waiter of this.#waiting.keys()) waiter.reject(error);
    this.#waiting.clear();
  }

  #endedEarly(): string {
    return `the process that runs the embedded worker of ${this.description} ended before the worker was ready; see ${this.#folder.logFile}`;
  }

  #isClosed(): boolean {
    return this.#link.type === "closed";
  }
}

async function answers({ origin, dispatcher }: Endpoint): Promise<boolean> {
  try {
    const { body } = await dispatcher.request({
      origin,
      path: HEALTH_PATH,
      method: "GET",
      headersTimeout: SUSPICION_MS,
    });
    await body.dump();
    return true;
  } catch {
    return false;
  }
}

function stopping(): BridgeError {
  return new BridgeError(GrpcCode.unavailable, "the bridge is stopping");
}

function toBridgeError(error: unknown): BridgeError {
  if (error instanceof BridgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BridgeError(GrpcCode.internal, `the embedded worker cannot be reached: ${message}`, {
    user: false,
    cause: error,
  });
}
