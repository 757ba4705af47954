// What workerd prints: lines of its workers' consoles, and its own. With structured logs both are JSON; what is not is workerd
// dying.
import type { Readable } from "node:stream";
import type { LogLevel, WorkerLogLine } from "./node-log.ts";

export interface WorkerdLine extends WorkerLogLine {
  /** `workerd`: its own words, which concern all sessions. */
  readonly from: "worker" | "workerd";
}

/** Longest message that is kept, in characters; a worker that prints more than a page at a time is not read. */
const MAX_MESSAGE_CHARACTERS = 8_192;
/** A line without an end is given up at this length, in characters. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

/** Calls `tell` for each line of `output`, one of workerd's two streams. */
export function readWorkerdOutput(
  output: Readable,
  stream: "stdout" | "stderr",
  tell: (line: WorkerdLine) => void,
): void {
  let rest = "";
  output.setEncoding("utf8");
  output.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARACTERS) rest = "";
    for (const line of lines) {
      const told = parseLine(line, stream);
      if (told !== undefined) tell(told);
    }
  });
}

/** Undefined for what says nothing to anybody. */
function parseLine(line: string, stream: "stdout" | "stderr"): WorkerdLine | undefined {
  if (line === "") return undefined;
  const logged = parseLogged(line);
  if (logged === undefined) {
    const level = stream === "stderr" ? "error" : "info";
    return isNoise(line) ? undefined : { from: "workerd", level, message: shortened(line), time: Date.now() };
  }
  // Only workerd's own lines name the place in its source they come from.
  const from = logged.source === undefined ? "worker" : "workerd";
  if (from === "workerd" && isNoise(logged.message)) return undefined;
  const message = from === "workerd" ? plain(logged.message) : logged.message;
  return { from, level: toLevel(logged.level), message: shortened(message), time: Number(logged.timestamp) };
}

interface LoggedLine {
  /** Milliseconds since the epoch; a string in workerd's own lines. */
  readonly timestamp: number | string;
  readonly level: string;
  readonly message: string;
  readonly source?: string;
}

function parseLogged(line: string): LoggedLine | undefined {
  try {
    const value = JSON.parse(line);
    return typeof value?.message === "string" && typeof value.level === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Said at every start or of every crash, and of no use without workerd's symbols; or told by startWorkerd in better words. */
const NOISE = [
  "Not symbolizing stack traces because $LLVM_SYMBOLIZER is not set",
  "took recursive isolate lock",
  "CODE_MOVED for unknown code block",
  "Address already in use; toString() = ",
  "R2MultipartUpload::getUploadId called",
];

function isNoise(message: string): boolean {
  return NOISE.some((noise) => message.includes(noise));
}

/** Addresses in workerd's code, and the place in its source where it noticed. */
const STACK = /\n?stack: [^\n]*$/;
const NOTICED_AT = /(?:\S+\.(?:c\+\+|h):\d+: failed: )?(?:remote\.)?jsg\.(?=\w*Error\b)/;

function plain(message: string): string {
  return message.replace(STACK, "").replace(NOTICED_AT, "");
}

function toLevel(level: string): LogLevel {
  if (level === "warning") return "warn";
  return level === "debug" || level === "warn" || level === "error" ? level : "info";
}

function shortened(message: string): string {
  return message.length <= MAX_MESSAGE_CHARACTERS ? message : `${message.slice(0, MAX_MESSAGE_CHARACTERS)}…`;
}
