// One command of the table: its options, its help, and what it runs.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { type ExitCode, usageError } from "./errors.ts";
import { alignColumns, type Terminal } from "./terminal.ts";

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly default?: string | boolean;
  /** What stands for the value in the help; for options of type string. */
  readonly value?: string;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

/** The parsed values, by option name. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K]["type"] extends "boolean"
    ? boolean
    : O[K] extends { readonly default: string }
      ? string
      : string | undefined;
};

export interface Invocation<O extends Options> {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
  /** Arguments after `--`, for another program. */
  readonly passed: readonly string[];
  readonly terminal: Terminal;
  /** Aborts on the first SIGINT or SIGTERM; what the command holds must be let go then. */
  readonly signal: AbortSignal;
}

export interface CommandSpec<O extends Options> {
  readonly name: string;
  /** Positional arguments as the usage line shows them: `NAME`, `[project]` when optional, `[project...]` when repeatable. */
  readonly operands?: readonly string[];
  /** Paragraphs under the usage line. */
  readonly about: string;
  readonly options: O;
  /** Says in the usage line that arguments after `--` go to this program. */
  readonly passesTo?: string;
  readonly examples: readonly string[];
  readonly run: (invocation: Invocation<O>) => Promise<ExitCode>;
}

export interface Command {
  help(): string;
  run(args: readonly string[], host: { readonly terminal: Terminal; readonly signal: AbortSignal }): Promise<ExitCode>;
}

/** Options that every command has. `--json` is read before the command is chosen, so that errors obey it too. */
const COMMON_OPTIONS = {
  json: { type: "boolean", help: "Print the result as JSON" },
  help: { type: "boolean", short: "h", help: "Print this help" },
} as const satisfies Options;

export function defineCommand<const O extends Options>(spec: CommandSpec<O>): Command {
  return {
    help: () => renderHelp(spec),
    run: (args, host) => spec.run({ ...parseFor(spec, args), ...host }),
  };
}

function parseFor<O extends Options>(spec: CommandSpec<O>, args: readonly string[]) {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const passed = end < 0 ? [] : args.slice(end + 1);
  if (passed.length > 0 && spec.passesTo === undefined)
    throw usageError(`"${spec.name}" takes no arguments after --`, spec.name);
  const { values, positionals } = parseStrictly(spec, own);
  const operands = spec.operands ?? [];
  const required = operands.filter((operand) => !operand.startsWith("[")).length;
  const missing = positionals.length < required ? operands[positionals.length] : undefined;
  if (missing !== undefined) throw usageError(`${missing} is missing`, spec.name);
  const extra = positionals[operands.length];
  if (extra !== undefined && operands.at(-1)?.endsWith("...]") !== true)
    throw usageError(`"${extra}" is one argument too many`, spec.name);
  return { values: withSwitches(spec.options, values) as Values<O>, positionals, passed };
}

function parseStrictly<O extends Options>(spec: CommandSpec<O>, args: readonly string[]) {
  const options = { ...spec.options, ...COMMON_OPTIONS } as NonNullable<ParseArgsConfig["options"]>;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // node:util marks a wrong command line with codes ERR_PARSE_ARGS_…; its first sentence says which argument.
    if (!(error instanceof TypeError)) throw error;
    throw usageError(error.message.split(". ")[0] ?? error.message, spec.name);
  }
}

/** parseArgs leaves a switch that was not given undefined; commands want false. */
function withSwitches(options: Options, values: Record<string, unknown>): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...values };
  for (const [name, option] of Object.entries(options)) if (option.type === "boolean") filled[name] ??= false;
  return filled;
}

function renderHelp<O extends Options>(spec: CommandSpec<O>): string {
  const usage = ["gestalt-edge", spec.name, ...(spec.operands ?? []), "[options]"];
  if (spec.passesTo !== undefined) usage.push(`[-- ${spec.passesTo} arguments]`);
  const options = Object.entries({ ...spec.options, ...COMMON_OPTIONS } as Options).map(optionRow);
  return [
    `Usage: ${usage.join(" ")}`,
    "",
    spec.about,
    "",
    "Options:",
    ...alignColumns(options),
    "",
    "Examples:",
    ...spec.examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}

function optionRow([name, option]: [string, Option]): [string, string] {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.value === undefined ? "" : ` ${option.value}`;
  const fallback = typeof option.default === "string" ? ` (default: ${option.default})` : "";
  return [`  ${short}--${name}${value}`, `${option.help}${fallback}`];
}
