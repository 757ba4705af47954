// Starts a bridge as gestaltd would: the built file, a nearly empty environment, a socket in a private folder.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { bridgeFile } from "../../src/cli/package.ts";

/** What gestaltd lets through of its own environment (gestaltd's process.go). */
const INHERITED = ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/** How often gestaltd looks for the socket, in milliseconds. */
const SOCKET_POLL_MS = 25;
/** From spawn to a socket that answers; gestaltd's own limit, in milliseconds. */
const START_TIMEOUT_MS = 45_000;
/** gestaltd kills a provider that has not ended so long after SIGTERM, in milliseconds. */
const STOP_GRACE_MS = 2_000;

export interface BridgeProcess {
  readonly socket: string;
  /** A client for a service of the bridge, on the process's one connection. */
  client<S extends DescService>(service: S): Client<S>;
  /** SIGTERM; rejects when the process does not end cleanly in gestaltd's time. */
  stop(): Promise<void>;
}

/** `kind` is the bridge's first argument, `name` what gestaltd calls the provider. */
export async function startBridge(kind: string, name: string): Promise<BridgeProcess> {
  const folder = await mkdtemp(join(tmpdir(), "gstp-"));
  const socket = join(folder, "plugin.sock");
  const child = spawn(bridgeFile(), [kind], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(
        INHERITED.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]])),
      ),
      GESTALT_PLUGIN_SOCKET: socket,
      GESTALT_PLUGIN_PARENT_PID: String(process.pid),
      GESTALT_PLUGIN_NAME: name,
    },
  });
  const printed = collect(child);
  const stop = () => stopProcess(child, folder, printed);
  try {
    await listening(child, socket, printed);
  } catch (error) {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return { socket, client: (service) => createClient(service, dial(socket)), stop };
}

/** gRPC over a Unix socket; used for the bridge and for what StartPlugin says to dial. */
export function dial(socket: string) {
  return createGrpcTransport({
    baseUrl: "http://localhost",
    nodeOptions: { createConnection: () => connect(socket) },
  });
}

async function listening(child: ChildProcess, socket: string, printed: () => string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the bridge ended before it served: ${printed()}`);
    if (await accepts(socket)) return;
    await delay(SOCKET_POLL_MS);
  }
  throw new Error(`the bridge did not listen within ${START_TIMEOUT_MS / 1000} s: ${printed()}`);
}

/** A socket can be there a moment before it accepts; gestaltd's gRPC client tries again then. */
function accepts(path: string): Promise<boolean> {
  const socket = connect(path);
  const accepted = new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  return accepted.finally(() => socket.destroy());
}

async function stopProcess(child: ChildProcess, folder: string, printed: () => string): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await ended;
  clearTimeout(timer);
  await rm(folder, { recursive: true, force: true });
  if (child.exitCode !== 0)
    throw new Error(`the bridge ended with ${child.signalCode ?? child.exitCode}: ${printed()}`);
}

/** The last lines the process printed, for the error that ends the demo. */
function collect(child: ChildProcess): () => string {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      lines.push(chunk.toString());
      if (lines.length > 20) lines.shift();
    });
  return () => lines.join("").trim() || "it printed nothing";
}
