// Where the command writes: results to stdout, everything else to stderr; colour and progress only where someone watches.
import { styleText } from "node:util";
import type { Report } from "./errors.ts";

type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  /** Results are one JSON document on stdout. */
  readonly json: boolean;
  /** A line of the result, on stdout. */
  print(line?: string): void;
  /** The result as data: printed with `--json`, ignored without. */
  data(value: unknown): void;
  /** A line about what goes on, on stderr. */
  note(line: string): void;
  /** What is being done right now; replaced by the next line, and shown on a terminal only. */
  progress(line: string): void;
  /** Prints an error as its three parts, or as one JSON line with `--json`; on stderr either way. */
  error(report: Report): void;
  /** Colours text for stdout. */
  paint(style: Style, text: string): string;
}

/** The slice of a stream the terminal needs; tests and the demo bring their own. */
export interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface TerminalOptions {
  readonly json?: boolean;
  readonly stdout?: Stream;
  readonly stderr?: Stream;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const CLEAR_LINE = "\r\u001b[2K";

export function createTerminal(options: TerminalOptions = {}): Terminal {
  const { json = false, stdout = process.stdout, stderr = process.stderr, env = process.env } = options;
  const paintOut = painter(stdout, env);
  const paintError = painter(stderr, env);
  let pending = false;
  const write = (stream: Stream, text: string) => {
    if (pending) stderr.write(CLEAR_LINE);
    pending = false;
    stream.write(text);
  };
  return {
    json,
    paint: paintOut,
    print: (line = "") => {
      if (!json) write(stdout, `${line}\n`);
    },
    data: (value) => {
      if (json) write(stdout, `${JSON.stringify(value)}\n`);
    },
    note: (line) => write(stderr, `${line}\n`),
    progress: (line) => {
      if (stderr.isTTY !== true || env.TERM === "dumb") return;
      write(stderr, `${CLEAR_LINE}${paintError("dim", line)}`);
      pending = true;
    },
    error: (report) => write(stderr, json ? errorAsJson(report) : errorAsText(report, paintError)),
  };
}

/** no-color.org: a non-empty NO_COLOR wins; otherwise only a terminal gets colour, or whoever sets FORCE_COLOR. */
function painter(stream: Stream, env: TerminalOptions["env"] = {}): (style: Style, text: string) => string {
  const forced = (env.FORCE_COLOR ?? "") !== "" && env.FORCE_COLOR !== "0";
  const colour = (env.NO_COLOR ?? "") === "" && (forced || (stream.isTTY === true && env.TERM !== "dumb"));
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

function errorAsJson({ what, where, fix, exitCode }: Report): string {
  return `${JSON.stringify({ error: { what, where, fix, exitCode } })}\n`;
}

function errorAsText({ what, where, fix, stack }: Report, paint: Terminal["paint"]): string {
  const lines = [`${paint(["red", "bold"], "error:")} ${what}`];
  if (where !== undefined) lines.push(`  ${paint("dim", "where:")} ${where}`);
  if (fix !== undefined) lines.push(`    ${paint("dim", "fix:")} ${fix}`);
  if (stack !== undefined) lines.push("", stack);
  return `${lines.join("\n")}\n`;
}

/** Rows as aligned columns; widths count what is seen, not the escape codes of colour. */
export function alignColumns(rows: readonly (readonly string[])[], gap = 2): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, visibleLength(cell));
    });
  return rows.map((row) =>
    row
      .map((cell, index) =>
        index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - visibleLength(cell) + gap),
      )
      .join(""),
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape is what a colour code starts with
const COLOUR_CODE = /\u001b\[[0-9;]*m/g;

function visibleLength(text: string): number {
  return text.replace(COLOUR_CODE, "").length;
}
