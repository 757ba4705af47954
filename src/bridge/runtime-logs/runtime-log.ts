// The log of a hosted session: takes lines, blots out secrets, numbers them, and appends them to gestaltd's runtime log in
// batches. gestaltd may be away: then lines wait, and the oldest are lost.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampNow } from "@bufbuild/protobuf/wkt";
import {
  type PluginRuntimeLogEntrySchema,
  PluginRuntimeLogHost,
  PluginRuntimeLogStream,
} from "../../gen/gestalt/provider/v1/runtime_log_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { statusOfError } from "../grpc/status.ts";
import type { HostClient } from "../host/client.ts";
import type { HostService } from "../host/host-service.ts";
import { unaryHostCall } from "../host/unary.ts";
import type { Log } from "../log.ts";
import {
  APPEND_TIMEOUT_MS,
  FIRST_RETRY_MS,
  LINE_AGE_MS,
  LONGEST_RETRY_MS,
  MAX_HOPELESS,
  MAX_MESSAGE_CHARACTERS,
} from "./limits.ts";
import { type LineBatch, LineQueue } from "./line-queue.ts";
import type { LogStream, SessionLog } from "./session-log.ts";

export interface RuntimeLogOptions {
  /** The id that StartSession returned. */
  readonly session: string;
  readonly client: HostClient;
  /** Replaces what must not be read. */
  readonly redact: (text: string) => string;
  /** The bridge's own log, told when lines can go nowhere. */
  readonly log: Log;
  /** First and longest wait after a failure, in milliseconds; for tests. */
  readonly retryMs?: readonly [first: number, longest: number];
}

type Entry = MessageInitShape<typeof PluginRuntimeLogEntrySchema>;

/** What became of a batch. `hopeless`: gestaltd does not take it, and it is not because it is away. */
type Outcome = "taken" | "hopeless" | "away";

/** What is waited for: more lines for the batch, or gestaltd. */
interface Pause {
  readonly until: "more-lines" | "gestaltd";
  end(): void;
}

export class RuntimeLog implements SessionLog {
  readonly #options: RuntimeLogOptions;
  readonly #queue = new LineQueue();
  /** Ends the call that is under way, when nobody can wait for it any more. */
  readonly #ending = new AbortController();
  #host: HostService | undefined;
  #phase: "unregistered" | "open" | "closing" | "over" = "unregistered";
  #pumping: Promise<void> | undefined;
  /** What must be sent before anything else; `lines` counts what is lost with it. */
  #unsent: { readonly entries: Entry[]; readonly lines: number } | undefined;
  #pause: Pause | undefined;
  /**
   * Microseconds since the epoch at first, then counted: a successor of this process goes on above it, as long as no session
   * writes a million lines a second.
   */
  #sequence = BigInt(Date.now()) * 1000n;

  constructor(options: RuntimeLogOptions) {
    this.#options = options;
  }

  write(stream: LogStream, message: string, writtenAt = new Date()): void {
    // gestaltd drops empty lines (reference §2.12).
    if (message === "" || this.#phase === "over") return;
    this.#queue.add({ stream, message: shortened(this.#options.redact(message)), writtenAt });
    if (this.#queue.isFull && this.#pause?.until === "more-lines") this.#pause.end();
    this.#start();
  }

  dropped(count: number): void {
    if (count === 0 || this.#phase === "over") return;
    this.#queue.addDropped(count);
    this.#start();
  }

  /** Where the lines go; the first host that is told stays. */
  use(host: HostService | undefined): void {
    this.#host ??= host;
    this.#start();
  }

  /** gestaltd has shown that it knows the session; nothing is sent before. */
  registered(): void {
    if (this.#phase === "unregistered") this.#phase = "open";
    this.#start();
  }

  /** Sends what there is within `limitMs`, then nothing more. */
  async close(limitMs: number): Promise<void> {
    if (this.#phase === "open") {
      this.#phase = "closing";
      this.#pause?.end();
      const timer = setTimeout(() => this.#end(), limitMs);
      this.#start();
      await this.#pumping;
      clearTimeout(timer);
    }
    this.#end();
    await this.#pumping;
  }

  #end(): void {
    this.#phase = "over";
    this.#pause?.end();
    this.#ending.abort();
  }

  #start(): void {
    if (this.#pumping !== undefined || !this.#canSend() || !this.#hasLines()) return;
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined;
      // What was written between the pump's last look and now.
      if (this.#phase === "open") this.#start();
    });
  }

  #canSend(): boolean {
    return this.#host !== undefined && (this.#phase === "open" || this.#phase === "closing");
  }

  #hasLines(): boolean {
    return this.#unsent !== undefined || !this.#queue.isEmpty;
  }

  /** One call after the other, so that lines arrive in order. */
  async #pump(): Promise<void> {
    let failures = 0;
    let hopeless = 0;
    while (this.#canSend() && this.#hasLines()) {
      if (failures === 0 && !this.#queue.isFull) await this.#wait("more-lines", LINE_AGE_MS);
      const outcome = await this.#append();
      failures = outcome === "taken" ? 0 : failures + 1;
      hopeless = outcome === "hopeless" ? hopeless + 1 : 0;
      if (hopeless === MAX_HOPELESS) this.#giveUp();
      if (failures === 0) continue;
      if (this.#phase !== "open") return;
      await this.#wait("gestaltd", this.#backoff(failures));
    }
  }

  async #append(): Promise<Outcome> {
    const { client, session } = this.#options;
    const host = this.#host;
    if (host === undefined) return "away";
    this.#unsent ??= this.#entriesOf(this.#queue.take());
    const { entries, lines } = this.#unsent;
    try {
      await unaryHostCall(
        client,
        host,
        PluginRuntimeLogHost.method.appendLogs,
        { sessionId: session, logs: entries },
        { deadline: Date.now() + APPEND_TIMEOUT_MS, signal: this.#ending.signal },
      );
    } catch (error) {
      const { code } = statusOfError(error);
      if (!REFUSALS.has(code)) return HOPELESS.has(code) ? "hopeless" : "away";
      this.#queue.addDropped(lines);
      this.#unsent = undefined;
      return "hopeless";
    }
    this.#unsent = undefined;
    return "taken";
  }

  /** Numbered when they are put together: no number is missing where lines were dropped, and a repeated call repeats them. */
  #entriesOf({ lines, dropped }: LineBatch) {
    const entries: Entry[] = [];
    if (dropped > 0) {
      entries.push({
        stream: PluginRuntimeLogStream.RUNTIME,
        message: `${dropped} ${dropped === 1 ? "line was" : "lines were"} dropped here`,
        observedAt: lines[0] === undefined ? timestampNow() : timestampFromDate(lines[0].writtenAt),
        sourceSeq: this.#next(),
      });
    }
    for (const { stream, message, writtenAt } of lines) {
      const observedAt = timestampFromDate(writtenAt);
      entries.push({ stream: STREAMS[stream], message, observedAt, sourceSeq: this.#next() });
    }
    return { entries, lines: lines.length + dropped };
  }

  #next(): bigint {
    this.#sequence += 1n;
    return this.#sequence;
  }

  #giveUp(): void {
    const { log, session } = this.#options;
    log.warn("gestaltd does not take a session's log; it ends here", { session });
    this.#end();
  }

  #backoff(failures: number): number {
    const [first, longest] = this.#options.retryMs ?? [FIRST_RETRY_MS, LONGEST_RETRY_MS];
    return Math.min(first * 2 ** (failures - 1), longest);
  }

  #wait(until: Pause["until"], milliseconds: number): Promise<void> {
    if (this.#phase !== "open") return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pause = undefined;
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      this.#pause = { until, end };
    });
  }
}

const STREAMS: { readonly [Stream in LogStream]: PluginRuntimeLogStream } = {
  stdout: PluginRuntimeLogStream.STDOUT,
  stderr: PluginRuntimeLogStream.STDERR,
  runtime: PluginRuntimeLogStream.RUNTIME,
};

/** gestaltd does not know the session (reference §2.12), or offers nothing that takes its log. */
const HOPELESS: ReadonlySet<GrpcCode> = new Set([GrpcCode.notFound, GrpcCode.unimplemented]);

/** The same lines would get the same answer. */
const REFUSALS: ReadonlySet<GrpcCode> = new Set([GrpcCode.invalidArgument, GrpcCode.resourceExhausted]);

function shortened(text: string): string {
  return text.length <= MAX_MESSAGE_CHARACTERS ? text : `${text.slice(0, MAX_MESSAGE_CHARACTERS)}…`;
}
