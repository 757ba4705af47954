// What `gestalt-edge dev` shows: where workers listen, how to use them from gestaltd, and each call and log line.
import { join, relative } from "node:path";
import type { EmbeddedWorker, WorkerLogLine } from "../bridge/embedded/node.ts";
import type { ServedProvider } from "../gen/gestalt/edge/v1/edge_pb.ts";
import { gestaltdConfig } from "./gestaltd-config.ts";
import { wordsOf } from "./kinds.ts";
import { logText } from "./log-text.ts";
import { alignColumns, type Terminal } from "./terminal.ts";
import { bytes } from "./units.ts";
import { NO_PROVIDER } from "./worker-client.ts";

export interface ServedWorker {
  readonly project: string;
  readonly worker: EmbeddedWorker;
  readonly providers: readonly ServedProvider[];
  /** What it seems to lack, in a sentence. */
  readonly warning: string | undefined;
}

export interface DevScreen {
  ready(served: ServedWorker): void;
  reloaded(served: ServedWorker): void;
  restarting(project: string): void;
  failed(project: string, message: string): void;
  bridges(project: string, count: number): void;
  log(line: WorkerLogLine): void;
}

export function createDevScreen(terminal: Terminal): DevScreen {
  const { json, data, print, paint } = terminal;
  const event = (type: string, fields: object) => data({ event: type, ...fields });
  const notice = (text: string) => print(`${paint("dim", clock(Date.now()))}  ${text}`);
  const warn = ({ warning }: ServedWorker) => {
    if (warning !== undefined) notice(`${paint("yellow", "warning")} ${warning}`);
  };
  return {
    ready: (served) => {
      event("ready", describe(served));
      if (!json) printReady(served, terminal);
      warn(served);
    },
    reloaded: (served) => {
      event("reloaded", describe(served));
      notice(`${paint("green", "reloaded")} ${shown(served.project)}, ${bytes(served.worker.bundleBytes)}`);
      warn(served);
    },
    restarting: (project) => {
      event("restarting", { project });
      notice(`${paint("yellow", "restarting")} ${shown(project)}: workerd has died and is started again`);
    },
    failed: (project, message) => {
      event("failed", { project, message });
      notice(`${paint("red", "error")} ${message}`);
      notice("waiting for a change …");
    },
    bridges: (project, count) => {
      event("bridges", { project, count });
      notice(`${paint("dim", `${shown(project)}: ${count} ${count === 1 ? "bridge" : "bridges"} connected`)}`);
    },
    log: (line) => showLine(line, terminal),
  };
}

function describe({ project, worker, providers, warning }: ServedWorker) {
  return {
    project,
    origin: worker.origin,
    worker: worker.name,
    digest: worker.digest,
    bundleBytes: worker.bundleBytes,
    providers: providers.map(({ name, kind }) => ({ name, kind: wordsOf(kind).manifest })),
    ...(warning === undefined ? {} : { warning }),
  };
}

function printReady({ project, worker, providers }: ServedWorker, { print, paint }: Terminal): void {
  print(`${paint("bold", shown(project))}`);
  const served = providers.map(({ name, kind }) => `${name} (${wordsOf(kind).manifest})`).join(", ");
  const rows = [
    ["  listening", paint("cyan", worker.origin)],
    ["  worker", `${worker.name}, ${bytes(worker.bundleBytes)}`],
    ["  providers", served || "none"],
  ];
  for (const line of alignColumns(rows)) print(line);
  const config = gestaltdConfig({ providers, worker: { project }, manifests: join(project, "dist") });
  print();
  print("  For gestaltd's config (plugins first need: gestalt-edge build):");
  print();
  for (const line of config.split("\n")) print(`    ${line}`);
  print();
}

/** A call's line, as the worker prints it when asked to. */
interface CallLine {
  readonly message: "call";
  readonly call: string;
  readonly provider: string;
  readonly session: string;
  readonly status: number;
  readonly ms: number;
}

function showLine({ level, message, time }: WorkerLogLine, { json, data, print, paint }: Terminal): void {
  const entry = parseEntry(message);
  // The command's own questions are not the user's calls.
  if (isCall(entry) && entry.provider === NO_PROVIDER) return;
  if (json) {
    data({ event: isCall(entry) ? "call" : "log", time, level, ...(entry ?? { message }) });
    return;
  }
  const at = paint("dim", clock(time));
  if (isCall(entry)) {
    const { provider, call, status, ms } = entry;
    const colour = status < 400 ? "green" : status < 500 ? "yellow" : "red";
    print(`${at}  ${provider}  ${call}  ${paint(colour, String(status))}  ${ms} ms`);
    return;
  }
  const colour = level === "error" ? "red" : level === "warn" ? "yellow" : "dim";
  const { level: _level, ...told } = entry ?? { message };
  print(`${at}  ${paint(colour, level)}  ${logText(told)}`);
}

function parseEntry(message: string): Record<string, unknown> | undefined {
  if (!message.startsWith("{")) return undefined;
  try {
    return JSON.parse(message) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function isCall(entry: object | undefined): entry is CallLine {
  return entry !== undefined && "message" in entry && entry.message === "call" && "call" in entry;
}

/** The folder as the user would write it. */
function shown(project: string): string {
  const path = relative(process.cwd(), project);
  return path === "" ? "." : path.startsWith("..") ? project : path;
}

function clock(time: number): string {
  return new Date(time).toTimeString().slice(0, 8);
}
