// What the command tells when it cannot go on: three parts for a user's mistake, a stack only for a fault of ours.
import { BridgeError } from "../bridge/errors.ts";
import { GrpcCode } from "../wire/codes.ts";

/** Exit codes of every command; docs/cli.md lists them. */
export const ExitCode = {
  ok: 0,
  /** Something about the project, the config or the target is wrong; the message says what to do. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** A fault of gestalt-edge (EX_SOFTWARE of sysexits.h). */
  internal: 70,
  /** SIGINT or SIGTERM came before the command was done (128 and the signal's number, as shells count). */
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface Explanation {
  /** What is wrong, as one sentence without a full stop. */
  readonly what: string;
  /** File, option or address the sentence is about. */
  readonly where?: string | undefined;
  /** What to do, as an instruction. */
  readonly fix?: string | undefined;
}

/** A mistake the user can mend. Never carries a secret. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly explanation: Explanation;
  readonly exitCode: ExitCode;

  constructor(explanation: Explanation, exitCode: ExitCode = ExitCode.failed) {
    super(explanation.what);
    this.explanation = explanation;
    this.exitCode = exitCode;
  }
}

/** A wrong command line; `command` names whose help to read. */
export function usageError(what: string, command?: string): CliError {
  const help = command === undefined ? "gestalt-edge --help" : `gestalt-edge ${command} --help`;
  return new CliError({ what, fix: `See: ${help}` }, ExitCode.usage);
}

export interface Report extends Explanation {
  readonly exitCode: ExitCode;
  /** Only for faults of ours. */
  readonly stack?: string | undefined;
}

/** What to print about anything that was thrown. */
export function explain(error: unknown): Report {
  if (error instanceof CliError) return { ...error.explanation, exitCode: error.exitCode };
  if (error instanceof BridgeError && (error.user || error.code === GrpcCode.unavailable))
    return { what: error.message, exitCode: ExitCode.failed };
  const fault = error instanceof Error ? error : new Error(String(error));
  return {
    what: `gestalt-edge failed unexpectedly: ${fault.message}`,
    fix: "This is a fault of gestalt-edge. Please report it with the lines below.",
    stack: fault.stack,
    exitCode: ExitCode.internal,
  };
}
