// The embedded node: one workerd for one project on this machine, started and looked after. The detached process
// (main.ts) and `gestalt-edge dev` both run it; bridges find it by its control socket.
import { randomBytes } from "node:crypto";
import { realpathSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CALL_LOG_BINDING,
  CREDENTIALS_KEY_BINDING,
  DIGEST_BINDING,
  JWKS_BINDING,
  LOG_MARK_BINDING,
  LOGIN_SECRET_BINDING,
  NAME_BINDING,
  PRESIGN_SECRET_BINDING,
  splitMarkedLine,
} from "../../wire/bindings.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { ClientGuards } from "../egress/client-guards.ts";
import { NodeEgress } from "../egress/node-egress.ts";
import { claimPorts, releasePorts } from "../egress/own-sockets.ts";
import { BridgeError } from "../errors.ts";
import { privateSocketFolder } from "../socket-folder.ts";
import type { EmbeddedWorker, WorkerState } from "./control-protocol.ts";
import { type ControlServer, openControlServer } from "./control-server.ts";
import { firstStart } from "./first-start.ts";
import type { Workerd, WorkerdHooks, WorkerdOrigins, WorkerdSpec } from "./miniflare.ts";
import { openNodeLog, type WorkerLogLine } from "./node-log.ts";
import { type BuiltWorker, type ProjectBuilder, projectBuilder } from "./project-builder.ts";
import {
  credentialsKey,
  loginSecret,
  openStateFolder,
  presignSecret,
  readNodeRecord,
  readPort,
  readSlots,
  removeNodeRecord,
  type StateFolder,
  writeNodeRecord,
  writePort,
  writeSlots,
} from "./state-folder.ts";
import { takeState } from "./take-state.ts";
import { createNodeKey, type NodeKey } from "./worker-key.ts";
import type { WorkerdLine } from "./workerd-output.ts";

export type { EmbeddedWorker, PrivateJwk, WorkerState } from "./control-protocol.ts";
export type { LogLevel, WorkerLogLine } from "./node-log.ts";

export interface EmbeddedNodeOptions {
  /** Folder that holds wrangler.toml, wrangler.jsonc or wrangler.json. */
  readonly project: string;
  /** Folder the data lives in; absolute or relative to the project. Default: `.gestalt-edge/state`. */
  readonly state?: string | undefined;
  /** Port on 127.0.0.1. Default: the one used last time when it is free, otherwise any. */
  readonly port?: number | undefined;
  /** The worker prints one JSON line for each call (see `CALL_LOG_BINDING`). */
  readonly callLog?: boolean | undefined;
  /** Rebuilds and reloads when a source of the bundle or the wrangler file changes. */
  readonly watch?: boolean | undefined;
  /**
   * Ends the node when the last bridge has left, or none has come. Off for `gestalt-edge dev`, which lives as long as its
   * user wants; such a node also takes the project over from one that runs for bridges only.
   */
  readonly endsWithBridges?: boolean | undefined;
  readonly hooks?: EmbeddedNodeHooks | undefined;
}

/** What a host of the node may want to see. None may throw. */
export interface EmbeddedNodeHooks {
  /** A line the worker or workerd printed. */
  log?(line: WorkerLogLine): void;
  /** The worker's state has changed. */
  state?(state: WorkerState): void;
  /** The number of connected bridges has changed. */
  bridges?(count: number): void;
}

export interface EmbeddedNode {
  /** Real path of the project. */
  readonly project: string;
  /** Real path of the folder the data lives in. */
  readonly state: string;
  /** File that the worker's and the node's lines go to. */
  readonly logFile: string;
  /** The worker as it was last ready. */
  readonly worker: EmbeddedWorker;
  /** Builds again and swaps the worker; data stays. Rejects with a {@link BridgeError} when the sources have an error. */
  reload(): Promise<EmbeddedWorker>;
  /** Tells the bridges, ends workerd, frees the state folder. */
  close(): Promise<void>;
  /** Settles when the node has ended, for whatever reason. */
  readonly ended: Promise<void>;
}

/** A node whose last bridge has left waits this long for the next, in milliseconds: gestaltd restarts providers at once. */
const GRACE_MS = 2_000;
/** A node that fails at once stays this long for the bridge that started it to hear why, in milliseconds. */
const LAST_WORDS_MS = 2_000;
const CONTROL_SOCKET = "control.sock";
/** Enough that no caller can guess it, short enough to be printed before each line. */
const LOG_MARK_BYTES = 12;
/** A node that no bridge ever came to waits this long, in milliseconds. */
const FIRST_BRIDGE_MS = 10_000;

/**
 * Builds the project, starts workerd and opens the control socket; resolves when the worker takes calls.
 *
 * @throws BridgeError FAILED_PRECONDITION when the project or its sources have an error; ALREADY_EXISTS when another node
 * holds the state folder and does not give it up.
 */
export async function startEmbeddedNode(options: EmbeddedNodeOptions): Promise<EmbeddedNode> {
  const project = realProject(options.project);
  const folder = openStateFolder(project, options.state);
  const lock = await takeState(folder, { force: !options.endsWithBridges });
  const node = new Node(project, folder, options);
  node.onEnd(() => lock.release());
  try {
    await node.start();
    return node;
  } catch (error) {
    await node.fail(error);
    throw error;
  }
}

function realProject(project: string): string {
  try {
    return realpathSync(project);
  } catch {
    throw new BridgeError(GrpcCode.failedPrecondition, `there is no folder ${project}; worker.project must name one`);
  }
}

class Node implements EmbeddedNode {
  readonly project: string;
  readonly state: string;
  readonly logFile: string;
  readonly ended: Promise<void>;
  readonly #folder: StateFolder;
  readonly #options: EmbeddedNodeOptions;
  readonly #log: ReturnType<typeof openNodeLog>;
  readonly #builder: ProjectBuilder;
  readonly #ends: (() => void)[] = [];
  readonly #logMark = randomBytes(LOG_MARK_BYTES).toString("base64url");
  #control: ControlServer | undefined;
  #workerd: Workerd | undefined;
  #egress: NodeEgress | undefined;
  /** Of the guarded services. */
  #guardOrigins: readonly string[] = [];
  #built: BuiltWorker | undefined;
  #key: NodeKey | undefined;
  #worker: EmbeddedWorker | undefined;
  #idle: NodeJS.Timeout | undefined;
  readonly #firstBridge = Promise.withResolvers<void>();
  readonly #started = Promise.withResolvers<void>();
  #reloading: Promise<EmbeddedWorker> | undefined;
  #closing: Promise<void> | undefined;

  constructor(project: string, folder: StateFolder, options: EmbeddedNodeOptions) {
    this.project = project;
    this.state = folder.path;
    this.logFile = folder.logFile;
    this.#folder = folder;
    this.#options = options;
    this.#log = openNodeLog(folder.logFile);
    this.#builder = projectBuilder(
      project,
      options.watch ? () => void this.reload().catch(() => undefined) : undefined,
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#ends.push(resolve);
  }

  get worker(): EmbeddedWorker {
    if (this.#worker === undefined) throw new BridgeError(GrpcCode.unavailable, "the embedded worker is not ready");
    return this.#worker;
  }

  onEnd(callback: () => void): void {
    this.#ends.unshift(callback);
  }

  /** Bridges can connect before the worker is there; they are told when it is. */
  async start(): Promise<void> {
    removeRemains(this.#folder);
    const temporary = privateSocketFolder();
    this.onEnd(() => rmSync(temporary, { recursive: true, force: true }));
    const path = join(temporary, CONTROL_SOCKET);
    // A process of its own puts all its temporary files there, so that a successor can remove them if it must.
    if (this.#options.endsWithBridges) process.env.TMPDIR = temporary;
    const egress = new NodeEgress(temporary, {
      restart: () => this.#addSlots(),
      needed: (slots) => writeSlots(this.#folder, slots),
      denied: (guards, reason) => {
        this.#write("warn", reason);
        this.#control?.denied(guards, reason);
      },
    });
    this.#egress = egress;
    this.#control = await openControlServer(path, {
      bridges: (count) => this.#bridgesChanged(count),
      retire: () => this.#retire(),
      guards: (client) => new ClientGuards(egress, client),
      guardOrigins: () => this.#guardOrigins,
    });
    writeNodeRecord(this.#folder, { pid: process.pid, project: this.project, socket: path });
    this.#publish({ type: "starting" });
    this.#endAfter(FIRST_BRIDGE_MS);
    this.#key = await createNodeKey();
    const built = await this.#builder.build();
    await egress.open(readSlots(this.#folder));
    this.#workerd = await this.#startWorkerd(this.#spec(built));
    writePort(this.#folder, Number(new URL(this.#workerd.origins.open).port));
    this.#ready(built, this.#workerd.origins);
    this.#started.resolve();
  }

  reload(): Promise<EmbeddedWorker> {
    // A change during a reload is seen by the one that follows it.
    return this.#inTurn(() => this.#reload());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close({ type: "closed" });
    return this.#closing;
  }

  /** Ends the node because of `error`, which every bridge is told. */
  fail(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.#write("error", message);
    this.#closing ??= this.#close({ type: "failed", message });
    return this.#closing;
  }

  async #reload(): Promise<EmbeddedWorker> {
    const workerd = this.#workerd;
    if (workerd === undefined || this.#closing) throw ended();
    try {
      const built = await this.#builder.build();
      return this.#ready(built, await workerd.replace(this.#spec(built)));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#write("error", message);
      this.#publish({ type: "reload-failed", message, worker: this.worker });
      throw error;
    }
  }

  /** Makes room for more egress policies. Calls in flight are lost. */
  async #addSlots(): Promise<void> {
    await this.#started.promise;
    await this.#inTurn(async () => {
      const [workerd, built, egress] = [this.#workerd, this.#built, this.#egress];
      if (workerd === undefined || built === undefined || egress === undefined || this.#closing) throw ended();
      this.#write("info", `restarting the worker with ${egress.slots} guarded services`);
      return this.#ready(built, await workerd.replace(this.#spec(built)));
    });
  }

  #inTurn(work: () => Promise<EmbeddedWorker>): Promise<EmbeddedWorker> {
    const next = (this.#reloading ?? Promise.resolve()).then(work, work);
    this.#reloading = next;
    return next;
  }

  #spec({ project, bundle }: BuiltWorker): WorkerdSpec {
    const own = project.miniflare.workerOptions.bindings ?? {};
    const variables = {
      [JWKS_BINDING]: this.#key?.jwks ?? "",
      [NAME_BINDING]: project.name,
      [DIGEST_BINDING]: bundle.digest,
      [LOG_MARK_BINDING]: this.#logMark,
      ...(own[PRESIGN_SECRET_BINDING] ? {} : { [PRESIGN_SECRET_BINDING]: presignSecret(this.#folder) }),
      ...(own[CREDENTIALS_KEY_BINDING] ? {} : { [CREDENTIALS_KEY_BINDING]: credentialsKey(this.#folder) }),
      ...(own[LOGIN_SECRET_BINDING] ? {} : { [LOGIN_SECRET_BINDING]: loginSecret(this.#folder) }),
      ...(this.#options.callLog ? { [CALL_LOG_BINDING]: "1" } : {}),
    };
    const port = this.#options.port ?? readPort(this.#folder) ?? 0;
    return { project, bundle, variables, data: this.#folder.data, port, gates: this.#egress?.paths };
  }

  #startWorkerd(spec: WorkerdSpec): Promise<Workerd> {
    const hooks: WorkerdHooks = {
      log: (line) => this.#writeLine(line),
      died: () => this.#publish({ type: "restarting" }),
      revived: (origins) => this.#running({ ...this.worker, origin: origins.open }, origins),
      lost: (error) => void this.fail(error),
    };
    return firstStart(spec, hooks, { project: this.project, wanted: Boolean(this.#options.port) });
  }

  #ready(built: BuiltWorker, origins: WorkerdOrigins): EmbeddedWorker {
    const { project, bundle } = built;
    const key = this.#key?.privateJwk;
    if (key === undefined) throw new BridgeError(GrpcCode.internal, "the node has no key", { user: false });
    const { digest, bytes } = bundle;
    this.#built = built;
    return this.#running({ origin: origins.open, name: project.name, digest, bundleBytes: bytes, key }, origins);
  }

  #running(worker: EmbeddedWorker, { guarded, ports }: WorkerdOrigins): EmbeddedWorker {
    this.#guardOrigins = guarded;
    claimPorts(this, ports);
    this.#egress?.restarted();
    return this.#setWorker(worker);
  }

  #setWorker(worker: EmbeddedWorker): EmbeddedWorker {
    this.#worker = worker;
    this.#publish({ type: "ready", worker });
    return worker;
  }

  #publish(state: WorkerState): void {
    this.#write("info", `worker ${state.type}`);
    this.#control?.publish(state);
    this.#options.hooks?.state?.(state);
  }

  #bridgesChanged(count: number): void {
    this.#options.hooks?.bridges?.(count);
    clearTimeout(this.#idle);
    if (count > 0) this.#firstBridge.resolve();
    if (count === 0) this.#endAfter(GRACE_MS);
  }

  #endAfter(milliseconds: number): void {
    if (!this.#options.endsWithBridges || this.#closing) return;
    this.#idle = setTimeout(() => void this.close(), milliseconds);
  }

  #retire(): string | undefined {
    if (!this.#options.endsWithBridges) return `process ${process.pid} (gestalt-edge dev) already runs ${this.project}`;
    void this.close();
    return undefined;
  }

  async #close(state: WorkerState): Promise<void> {
    clearTimeout(this.#idle);
    this.#builder.close();
    this.#publish(state);
    if (this.#control) {
      if (state.type === "failed" && this.#options.endsWithBridges)
        await Promise.race([this.#firstBridge.promise, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
      removeNodeRecord(this.#folder);
      await this.#control.close();
    }
    await this.#workerd?.close();
    await this.#egress?.close();
    releasePorts(this);
    this.#log.close();
    for (const end of this.#ends) end();
  }

  #write(level: WorkerLogLine["level"], message: string): void {
    this.#log.write({ level, message, time: Date.now() });
  }

  #writeLine({ from, ...printed }: WorkerdLine): void {
    const { session, text: message } = splitMarkedLine(this.#logMark, printed.message);
    const line = { ...printed, message };
    this.#log.write(line);
    this.#options.hooks?.log?.(line);
    // What the worker prints outside of any call stays here: it may be about anybody.
    if (session !== undefined) this.#control?.print({ ...line, session });
    else if (from === "workerd") this.#control?.print(line);
  }
}

function ended(): BridgeError {
  return new BridgeError(GrpcCode.unavailable, "the embedded node has ended");
}

/** What a node that was killed left behind, apart from its data. The caller holds the lock, so that node is gone. */
function removeRemains(folder: StateFolder): void {
  const socket = readNodeRecord(folder)?.socket;
  if (socket === undefined) return;
  if (basename(socket) === CONTROL_SOCKET) rmSync(dirname(socket), { recursive: true, force: true });
  removeNodeRecord(folder);
}
