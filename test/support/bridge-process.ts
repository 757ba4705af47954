// The built bridge as gestaltd starts it: its own process, next to no environment, a Unix socket, gRPC.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { DescMessage, DescMethod, JsonObject, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { type EmbeddedNode, startEmbeddedNode } from "../../src/bridge/embedded/node.ts";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { unary } from "./grpc-clients.ts";

export const BRIDGE = join(import.meta.dirname, "../../dist/gestalt-edge-bridge.mjs");
/** The project behind most tests; several providers, see app.worker.ts there. */
export const APP = join(import.meta.dirname, "../bridge/app");

type Unary<I extends DescMessage, O extends DescMessage> = DescMethod & { readonly input: I; readonly output: O };

export interface BridgeProcess {
  readonly child: ChildProcess;
  readonly socket: string;
  /** What it printed on stderr so far. */
  readonly stderr: () => string;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** A unary call; rejects with the gRPC error. */
  call<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    request: MessageInitShape<I>,
    options?: grpc.CallOptions,
  ): Promise<MessageShape<O>>;
  /** ConfigureProvider as gestaltd sends it. */
  configure(config: JsonObject | undefined, name?: string): Promise<unknown>;
  /** SIGTERM; asserts a clean end. Called when the test ends, too. */
  stop(): Promise<void>;
}

export interface BridgeProcessOptions {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly parentPid?: number;
  /** Folder for the socket; by default one that is gone after the test. */
  readonly folder?: string;
}

/** Variables gestaltd copies from its own environment, as far as they matter here, and the mark of the test run. */
const INHERITED = ["PATH", "HOME", "TMPDIR", "GESTALT_EDGE_TEST_RUN"];

export async function startBridgeProcess(
  t: TestContext,
  kind: string,
  { name = "edge", env = {}, parentPid = process.pid, folder = temporaryFolder(t) }: BridgeProcessOptions = {},
): Promise<BridgeProcess> {
  const socket = join(folder, "plugin.sock");
  const inherited = INHERITED.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]]));
  const child = spawn(BRIDGE, [kind], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(inherited),
      GESTALT_PLUGIN_SOCKET: socket,
      GESTALT_PLUGIN_PARENT_PID: String(parentPid),
      GESTALT_PLUGIN_NAME: name,
      ...env,
    },
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const exited = new Promise<Awaited<BridgeProcess["exited"]>>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  await until(async () => child.exitCode !== null || (await isListening(socket)), "the bridge listens");
  const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
  const call: BridgeProcess["call"] = (method, request, options) => callUnary(client, method, request, options);
  const stop = async () => {
    client.close();
    child.kill("SIGTERM");
    assert.deepEqual(await exited, { code: 0, signal: null }, stderr);
    assert.equal(existsSync(socket), false, "the socket is still there");
  };
  atEnd(t, async () => {
    client.close();
    if (child.exitCode === null && child.signalCode === null) await stop();
  });
  const configure = (config: JsonObject | undefined, providerName = name) =>
    call(ProviderLifecycle.method.configureProvider, {
      name: providerName,
      protocolVersion: 3,
      ...(config === undefined ? {} : { config }),
    });
  return { child, socket, stderr: () => stderr, exited, call, configure, stop };
}

/** A gRPC client on another socket, such as a hosted plugin's; `target` as in `unix:///path`. */
export function grpcClient(
  t: TestContext,
  target: string,
  options: grpc.ClientOptions = {},
): Pick<BridgeProcess, "call"> {
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), options);
  atEnd(t, () => client.close());
  return { call: (method, request, options) => callUnary(client, method, request, options) };
}

/** For assert.rejects: a gRPC error with this code whose message fits. */
export function grpcError(code: grpc.status, message: RegExp) {
  return (error: grpc.ServiceError) => {
    assert.equal(grpc.status[error.code], grpc.status[code], error.message);
    assert.match(error.details, message);
    return true;
  };
}

const endings = new WeakMap<TestContext, (() => unknown)[]>();

/** Runs when the test has ended, what was begun last first; `t.after` has the opposite order. */
export function atEnd(t: TestContext, end: () => unknown): void {
  const known = endings.get(t);
  if (known !== undefined) return void known.push(end);
  const ends = [end];
  endings.set(t, ends);
  t.after(async () => {
    for (const one of ends.reverse()) await one();
  });
}

/** A folder that is gone after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "gb-"));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A state folder for an embedded node; the test ends only when its node has. */
export function stateFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "gs-"));
  atEnd(t, async () => {
    await nodeEnded(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/**
 * A node of the test app, or of another project, for all tests of a file, which saves each the start of one. Ends after them.
 */
export function sharedApp(project = APP): { readonly state: string } {
  const state = mkdtempSync(join(tmpdir(), "gs-"));
  let node: EmbeddedNode | undefined;
  before(async () => {
    node = await startEmbeddedNode({ project, state });
  });
  after(async () => {
    await node?.close();
    rmSync(state, { recursive: true, force: true });
  });
  return { state };
}

export interface NodeRecord {
  readonly pid: number;
  readonly socket: string;
}

/** The node that holds a state folder, once there is one. */
export function nodeOf(state: string): NodeRecord | undefined {
  const file = join(state, "node.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

/** Resolves when no node holds the state folder any more. */
export async function nodeEnded(state: string): Promise<void> {
  const node = nodeOf(state);
  if (node !== undefined) await until(() => !isAlive(node.pid), `node ${node.pid} ends`);
}

/** workerd processes that a process started. */
export function workerdsOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").includes("workerd"));
}

/** Processes that a process started and that have not been waited for. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

/** The process that works for a bridge, and that its supervisor replaces when it dies; once there is one. */
export async function workingProcess({ child }: Pick<BridgeProcess, "child">, otherThan?: number): Promise<number> {
  let working: number | undefined;
  const isNew = () => {
    [working] = childrenOf(child.pid ?? 0).filter(isAlive);
    return working !== undefined && working !== otherThan;
  };
  await until(isNew, "the bridge has a working process");
  return working ?? 0;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie is dead, but not yet waited for by its parent.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Longest wait for any condition, in milliseconds; far more than any takes. */
const PATIENCE_MS = 60_000;
const POLL_MS = 10;

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await condition()); ) {
    if (Date.now() > deadline) assert.fail(`waited in vain until ${what}`);
    await sleep(POLL_MS);
  }
}

async function callUnary<I extends DescMessage, O extends DescMessage>(
  client: grpc.Client,
  method: Unary<I, O>,
  request: MessageInitShape<I>,
  options?: grpc.CallOptions,
): Promise<MessageShape<O>> {
  const { reply, error } = await unary(client, method, request, new grpc.Metadata(), options);
  if (reply === undefined) throw error ?? new Error("neither reply nor error");
  return reply;
}
