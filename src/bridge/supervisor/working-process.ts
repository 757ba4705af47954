// The process that does a bridge's work, as its supervisor sees it: one child, from start to end.
import { spawn } from "node:child_process";
import { hungAfterMs, WORKING_PROCESS_VARIABLE } from "../environment.ts";
import type { Visitor } from "./doors.ts";
import { watchSignsOfLife } from "./heartbeat.ts";
import type { FromSupervisor, FromWorkingProcess } from "./messages.ts";

/**
 * Young garbage in 2 MiB at a time, not 16. A stream of objects is large buffers held by few small objects: those fill 16 MiB
 * so slowly that V8 collects the whole heap first, for the buffers' sake, four times in 64 MiB. That was half of the bridge's
 * CPU time for a stream (150 ms for 64 MiB, 80 ms with this); small calls are as fast either way.
 */
const NODE_OPTIONS = ["--max-semi-space-size=2"];

export interface WorkingProcess {
  send(message: FromSupervisor): void;
  /** Sends a copy of a connection, which stays open here. */
  offer(visitor: Visitor): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<End>;
}

/** How a process ended. */
export type End =
  | { readonly type: "exit"; readonly code: number }
  | { readonly type: "signal"; readonly signal: NodeJS.Signals }
  | { readonly type: "hung"; readonly silentMs: number }
  | { readonly type: "not-started"; readonly message: string };

/** What the working process says, its signs of life apart. */
export type Report = Exclude<FromWorkingProcess, { readonly type: "beat" }>;

/** Starts this program once more, with the same arguments; that it is to work, and not to supervise, stands in its environment. One that hangs is ended. */
export function startWorkingProcess(receive: (report: Report) => void): WorkingProcess {
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...process.env, [WORKING_PROCESS_VARIABLE]: "1" },
  });
  const silentMs = hungAfterMs(process.env);
  let hung = false;
  const watch = watchSignsOfLife(silentMs, () => {
    hung = child.kill("SIGKILL");
  });
  child.on("message", (received) => {
    const message = received as FromWorkingProcess;
    if (message.type === "beat") watch.heard();
    else receive(message);
  });
  const ended = new Promise<End>((resolve) => {
    // A later error is that of a message to a process that has just ended, which its end tells better.
    child.on("error", (error) => child.pid === undefined && resolve({ type: "not-started", message: error.message }));
    child.once("exit", (code, signal) => {
      watch.stop();
      if (hung) resolve({ type: "hung", silentMs });
      else resolve(signal === null ? { type: "exit", code: code ?? 0 } : { type: "signal", signal });
    });
  });
  return {
    ended,
    send: (message) => void child.send(message, ignore),
    offer: ({ path, id, socket }) =>
      void child.send({ type: "connection", path, id } satisfies FromSupervisor, socket, { keepOpen: true }, ignore),
    kill: (signal) => void child.kill(signal),
  };
}

/** What is sent to a process that has just ended is lost, and its end says so. */
function ignore(): void {}

export function describeEnd(end: End): string {
  switch (end.type) {
    case "exit":
      return `exit code ${end.code}`;
    case "signal":
      return end.signal;
    case "hung":
      return `hung: it gave no sign of life for ${end.silentMs / 1000} s and was killed`;
    case "not-started":
      return `cannot be started: ${end.message}`;
  }
}
