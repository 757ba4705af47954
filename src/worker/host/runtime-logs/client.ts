// gestaltd's log of the session.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  type PluginRuntimeLogEntrySchema,
  PluginRuntimeLogHost,
  PluginRuntimeLogStream,
} from "../../../gen/gestalt/provider/v1/runtime_log_pb.ts";
import { hostCalls } from "../calls.ts";
import { enumTable } from "../enum-table.ts";
import { FailedPreconditionError } from "../errors.ts";
import { countOf, invalid, numberOf, timestampOf } from "../fields.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { unaryMethods } from "../unary-method.ts";
import { lineWriter } from "./line-writer.ts";

/**
 * `request.log` and the console reach the same log by themselves. This is for lines of something else: a program's output, a
 * build. gestaltd keeps the newest 4,096 lines of a session. Repeating an append doubles its lines.
 */
export interface RuntimeLogHost {
  /** Returns gestaltd's number of the last line it has. Empty messages are dropped. */
  appendLogs(entries: readonly RuntimeLogEntry[], options?: RuntimeLogOptions): Promise<number>;
  /** One line. */
  append(entry: RuntimeLogEntry | string, options?: RuntimeLogOptions): Promise<number>;
  /**
   * Takes text as it comes and appends it line by line; back-pressure is gestaltd's. A last line without an end is appended
   * when the writer is closed. `stdout` when no stream is named.
   */
  writer(stream?: RuntimeLogStream, options?: RuntimeLogOptions): WritableStream<string | Uint8Array>;
}

/** `runtime` is for what the runtime says, not the provider. */
export type RuntimeLogStream = "stdout" | "stderr" | "runtime";

export interface RuntimeLogEntry {
  readonly message: string;
  /** `stdout` when left out. */
  readonly stream?: RuntimeLogStream | undefined;
  /** When it was seen; now when left out. */
  readonly observedAt?: Date | undefined;
  /** The source's own counter, for putting lines in order. */
  readonly sourceSeq?: number | bigint | undefined;
}

export interface RuntimeLogOptions extends HostCallOptions {
  /** Another session than this one. */
  readonly sessionId?: string | undefined;
}

/** Where gestaltd says which session this is (reference §2.5). */
const SESSION_VARIABLE = "GESTALT_RUNTIME_SESSION_ID";

export function runtimeLogHostClient(link: HostLink): RuntimeLogHost {
  const calls = hostCalls(PluginRuntimeLogHost, "runtimeLogs", link);
  const append = unaryMethods("runtimeLogs", link)(
    calls.appendLogs,
    ({ entries, sessionId }: { readonly entries: readonly RuntimeLogEntry[]; readonly sessionId: string }) => ({
      sessionId,
      logs: entries.map(entryTo),
    }),
    ({ lastSeq }) => numberOf(lastSeq, "number of a line"),
  );
  const appendLogs: RuntimeLogHost["appendLogs"] = async (entries, options) =>
    append({ entries, sessionId: sessionOf(link, options) }, options);
  return {
    appendLogs,
    append: (entry, options) => appendLogs([typeof entry === "string" ? { message: entry } : entry], options),
    writer: (stream = "stdout", options) =>
      lineWriter((lines) =>
        appendLogs(
          lines.map((message) => ({ message, stream })),
          options,
        ),
      ),
  };
}

function sessionOf({ env }: HostLink, { sessionId = env[SESSION_VARIABLE] }: RuntimeLogOptions = {}): string {
  if (sessionId !== undefined && sessionId !== "") return sessionId;
  const text = `this session has no variable ${SESSION_VARIABLE}: name the session whose log it is`;
  throw new FailedPreconditionError("runtimeLogs", Code.FailedPrecondition, text);
}

const STREAMS = enumTable<RuntimeLogStream, PluginRuntimeLogStream>("stream of a log", {
  stdout: PluginRuntimeLogStream.STDOUT,
  stderr: PluginRuntimeLogStream.STDERR,
  runtime: PluginRuntimeLogStream.RUNTIME,
});

/** What an int64 of the protocol holds. */
const MAX_INT64 = 2n ** 63n - 1n;

function entryTo(entry: RuntimeLogEntry): MessageInitShape<typeof PluginRuntimeLogEntrySchema> {
  const { message, stream = "stdout", observedAt = new Date(), sourceSeq = 0 } = entry;
  return {
    message,
    stream: STREAMS.toValue(stream),
    observedAt: timestampOf(observedAt, "observedAt"),
    sourceSeq: sequenceTo(sourceSeq),
  };
}

function sequenceTo(sourceSeq: number | bigint): bigint {
  if (typeof sourceSeq !== "bigint") return BigInt(countOf(sourceSeq, "sourceSeq", Number.MAX_SAFE_INTEGER));
  if (sourceSeq < 0n || sourceSeq > MAX_INT64) throw invalid(`sourceSeq must be from 0 to ${MAX_INT64}.`);
  return sourceSeq;
}
