// Joins the node of a project: connects to the one that runs, or starts one. Many bridges may do so at once.
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { type BridgeMessage, CONTROL_VERSION } from "./control-protocol.ts";
import { sendLine } from "./json-lines.ts";
import { launchNode } from "./launch-node.ts";
import { readNodeRecord, type StateFolder } from "./state-folder.ts";

/** The whole of joining, in milliseconds: a node that ends may hold the state folder for some of it. */
const ATTACH_MS = 15_000;
/** Waits between attempts while another process holds the folder but does not listen, in milliseconds. */
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 400;

/**
 * A connection on which the node keeps telling its worker's state, and that keeps the node alive.
 *
 * @throws BridgeError FAILED_PRECONDITION when a node cannot be started; UNAVAILABLE when none can be reached in time.
 */
export async function attachNode(project: string, folder: StateFolder, env: NodeJS.ProcessEnv): Promise<Socket> {
  const deadline = Date.now() + ATTACH_MS;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    const socket = await connectToNode(folder);
    if (socket !== undefined) return socket;
    const launched = await launchNode(project, folder, env);
    if (launched === "listening") continue;
    if (Date.now() > deadline) throw unreachable(folder);
    await sleep(wait);
  }
}

async function connectToNode(folder: StateFolder): Promise<Socket | undefined> {
  const path = readNodeRecord(folder)?.socket;
  if (path === undefined) return undefined;
  const socket = connect(path);
  const connected = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
  });
  if (!connected) return undefined;
  socket.on("error", () => undefined);
  sendLine(socket, { type: "attach", version: CONTROL_VERSION, pid: process.pid } satisfies BridgeMessage);
  return socket;
}

function unreachable(folder: StateFolder): BridgeError {
  const holder = readNodeRecord(folder);
  const who = holder === undefined ? "another process" : `process ${holder.pid}`;
  return new BridgeError(GrpcCode.unavailable, `${who} holds ${folder.path} but does not answer; end it and try again`);
}
