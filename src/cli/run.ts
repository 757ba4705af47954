// Runs the command line: picks the command of the table, and turns whatever it throws into text and exit code.
import { commands } from "./commands.ts";
import { ExitCode, explain, usageError } from "./errors.ts";
import { packageVersion } from "./package.ts";
import { alignColumns, createTerminal, type Terminal } from "./terminal.ts";

/** A second Ctrl-C this long after the first ends the process at once, in milliseconds. */
const IMPATIENCE_MS = 1_000;

export async function run(args: readonly string[]): Promise<ExitCode> {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const terminal = createTerminal({ json: own.includes("--json") });
  const stop = new AbortController();
  let firstSignal: number | undefined;
  const abort = () => {
    if (firstSignal === undefined) firstSignal = performance.now();
    // npm passes a signal on to a child that the terminal has sent it to as well; only a later one means impatience.
    else if (performance.now() - firstSignal > IMPATIENCE_MS) process.exit(ExitCode.interrupted);
    stop.abort();
  };
  process.on("SIGINT", abort).on("SIGTERM", abort);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader has gone (`gestalt-edge … | head`): nothing more to say, and nobody to go on for.
    if (error.code !== "EPIPE") throw error;
    stop.abort();
  });
  try {
    return await dispatch(args, own, terminal, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return ExitCode.interrupted;
    const report = explain(error);
    terminal.error(report);
    return report.exitCode;
  } finally {
    process.off("SIGINT", abort).off("SIGTERM", abort);
  }
}

async function dispatch(args: readonly string[], own: readonly string[], terminal: Terminal, signal: AbortSignal) {
  const [first, ...rest] = args;
  const wantsHelp = own.includes("--help") || own.includes("-h");
  const named = first === "help" ? rest[0] : first;
  const command = await commands.find(({ name }) => name === named)?.load();
  if (command !== undefined && (wantsHelp || first === "help")) return printed(command.help());
  if (command !== undefined) return command.run(rest, { terminal, signal });
  if (first === "--version" || first === "-V") return printed(`${packageVersion()}\n`);
  if (wantsHelp || (first === "help" && named === undefined)) return printed(overview());
  if (named === undefined || named === "--json") throw usageError("No command given");
  throw usageError(`"${named}" is no command; there are ${commands.map(({ name }) => name).join(", ")}`);
}

function printed(text: string): ExitCode {
  process.stdout.write(text);
  return ExitCode.ok;
}

function overview(): string {
  return [
    "Usage: gestalt-edge <command> [options]",
    "",
    "Runs Gestalt providers on Cloudflare Workers, on this machine and deployed.",
    "",
    "Commands:",
    ...alignColumns(commands.map(({ name, summary }) => [`  ${name}`, summary])),
    "",
    "Options:",
    ...alignColumns([
      ["  -h, --help", "Print this help; after a command, the help of that command"],
      ["  -V, --version", "Print the version"],
      ["      --json", "Print the result as JSON, and errors as JSON lines on stderr"],
    ]),
    "",
    "Exit codes: 0 done, 1 something is wrong with the project or the target, 2 wrong command line,",
    "70 a fault of gestalt-edge, 130 interrupted.",
    "",
  ].join("\n");
}
