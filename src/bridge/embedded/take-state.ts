// Takes the state folder for a node: waits for one that is ending, asks one that runs for bridges only to make way.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { type BridgeMessage, CONTROL_VERSION, nodeMessageSchema } from "./control-protocol.ts";
import { onLines, sendLine } from "./json-lines.ts";
import { lockState, readNodeRecord, type StateFolder } from "./state-folder.ts";

/** A node that retires needs this long at most, in milliseconds. */
const TAKE_OVER_MS = 10_000;
const RETRY_MS = 50;

/**
 * The lock on the folder. With `force` a node that runs for bridges only is asked to end; the bridges then find the new one.
 *
 * @throws BridgeError ALREADY_EXISTS when the folder stays taken.
 */
export async function takeState(folder: StateFolder, { force }: { force: boolean }): Promise<{ release(): void }> {
  const deadline = Date.now() + TAKE_OVER_MS;
  for (;;) {
    const lock = await lockState(folder);
    if (lock !== undefined) return lock;
    const holder = readNodeRecord(folder);
    if (!force || Date.now() > deadline) {
      const who = holder === undefined ? "another process" : `process ${holder.pid}, for ${holder.project},`;
      throw new BridgeError(GrpcCode.alreadyExists, `${who} already runs an embedded worker on ${folder.path}`);
    }
    if (holder !== undefined) await askToRetire(holder.socket);
    await sleep(RETRY_MS);
  }
}

/** Resolves when the node's connection has ended; rejects when it refuses. */
function askToRetire(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    onLines(socket, nodeMessageSchema, (message) => {
      if (message.type !== "refused") return;
      reject(new BridgeError(GrpcCode.alreadyExists, message.message));
      socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
    sendLine(socket, { type: "retire", version: CONTROL_VERSION, pid: process.pid } satisfies BridgeMessage);
  });
}
