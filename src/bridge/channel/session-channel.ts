// The channel of one session: over it the worker calls gestaltd. Opened once, and from then on kept open, whatever happens to
// worker and network, until the session ends.
//
// It belongs to the session's id, not to a configuration: a new one leaves it as it is, and gives only the next connection
// another token. The worker checks the token at the upgrade; a channel outlives it.
import type { IncomingCall } from "../../wire/channel/accepted-call.ts";
import type { Clock } from "../../wire/channel/call.ts";
import { KEEP_ALIVE_INTERVAL_MS, KEEP_ALIVE_TIMEOUT_MS } from "../../wire/channel/keep-alive.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { BridgeError } from "../errors.ts";
import type { HostClient } from "../host/client.ts";
import type { HostService } from "../host/host-service.ts";
import type { Log } from "../log.ts";
import type { TracerSource } from "../tracing/tracer.ts";
import type { Upstream, UpstreamSource } from "../upstream.ts";
import { backoff } from "./backoff.ts";
import { ChannelConnection, type ConnectionTimes } from "./connection.ts";
import { type Ending, endingOfError } from "./ending.ts";
import { CONNECT_TIMEOUT_MS, LEAVE_GRACE_MS, OPEN_TIMEOUT_MS, STABLE_MS } from "./limits.ts";
import type { LocalMethods } from "./local.ts";
import { performer } from "./perform.ts";

export interface SessionChannelOptions {
  /** gestaltd's name for the provider, for the log. */
  readonly name: string;
  /** Where the worker is, with a token for the next connection. */
  readonly source: UpstreamSource;
  /** What the session was offered, by name; nothing else can be reached. */
  readonly services: ReadonlyMap<string, HostService>;
  readonly client: HostClient;
  readonly log: Log;
  /** Methods of the bridge itself, which the worker calls under the name `bridge`. */
  readonly local?: LocalMethods | undefined;
  /** Undefined where nothing is traced. */
  readonly tracer?: TracerSource | undefined;
  /** The session had a channel in an earlier process: this one is no less patient than after a loss. */
  readonly resumed?: boolean;
  /** From 0 up to 1; for tests. */
  readonly random?: () => number;
  readonly clock?: Clock;
  /** Times other than those of limits.ts; for tests. */
  readonly times?: Partial<ChannelTimes>;
}

export interface ChannelTimes extends ConnectionTimes {
  readonly openTimeoutMs: number;
}

/**
 * `opening`: never open yet, and given up when that takes too long. `lost`: it was, and is being tried again. `over`: the session has ended, another bridge has it, the
 * worker is of another version, or the channel could not be opened in the first place.
 */
export type ChannelState = "opening" | "open" | "lost" | "over";

export interface SessionChannel {
  readonly state: ChannelState;
  /**
   * Resolves when the channel is open for the first time. Rejects when that takes too long (UNAVAILABLE), cannot be without
   * somebody's help (FAILED_PRECONDITION), or the session has ended; the channel is over then.
   */
  readonly opened: Promise<void>;
  /** Ends it and the calls on it. Resolves when its socket is gone. */
  close(): Promise<void>;
}

export function openSessionChannel(options: SessionChannelOptions): SessionChannel {
  const channel = new Channel(options);
  channel.start();
  return channel;
}

const TIMES: ChannelTimes = {
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  keepAliveAfterMs: KEEP_ALIVE_INTERVAL_MS,
  keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
  openTimeoutMs: OPEN_TIMEOUT_MS,
};

/** What is being done for a connection. */
type Link =
  | { readonly name: "finding" }
  | { readonly name: "connecting"; readonly connection: ChannelConnection }
  | { readonly name: "connected"; readonly connection: ChannelConnection; readonly since: number }
  | { readonly name: "waiting"; readonly stop: () => void }
  | { readonly name: "none" };

class Channel implements SessionChannel {
  readonly #options: SessionChannelOptions;
  readonly #clock: Clock;
  readonly #times: ChannelTimes;
  readonly #perform: (call: IncomingCall) => void;
  readonly #opened = Promise.withResolvers<void>();
  #state: ChannelState = "opening";
  #link: Link = { name: "none" };
  /** Tries in a row that came to nothing. */
  #failures = 0;
  /** Faults the log has been told of since the channel last held for a while: each once, not once a try. */
  readonly #told = new Set<string>();
  /** The log says that the channel is lost. */
  #saidLost = false;
  #lastEnding: Ending | undefined;
  #stopOpenTimer: (() => void) | undefined;

  constructor(options: SessionChannelOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#times = { ...TIMES, ...options.times };
    this.#perform = performer(options);
    this.#opened.promise.catch(() => {}); // Whoever opens a channel may be gone before it fails.
  }

  get state(): ChannelState {
    return this.#state;
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  start(): void {
    if (this.#options.resumed === true) this.#state = "lost";
    else this.#stopOpenTimer = this.#clock.after(this.#times.openTimeoutMs, () => this.#neverOpened());
    void this.#connect();
  }

  async close(): Promise<void> {
    const link = this.#link;
    this.#giveUp(new BridgeError(GrpcCode.unavailable, ENDED));
    if (link.name === "connecting") await link.connection.gone;
    if (link.name === "connected") await leave(link.connection, this.#clock);
  }

  async #connect(): Promise<void> {
    this.#link = { name: "finding" };
    try {
      this.#open(await this.#options.source.upstream());
    } catch (error) {
      this.#failed(endingOfError(error));
    }
  }

  #open(upstream: Upstream): void {
    if (this.#state === "over") return;
    const connection = new ChannelConnection(upstream, this.#clock, this.#times, {
      call: this.#perform,
      opened: () => this.#connected(connection),
      ended: (ending) => this.#ended(ending, upstream),
    });
    this.#link = { name: "connecting", connection };
  }

  #connected(connection: ChannelConnection): void {
    this.#link = { name: "connected", connection, since: this.#clock.now() };
    this.#stopOpenTimer?.();
    if (this.#saidLost) this.#log("info", "the host channel is back", { tries: this.#failures });
    this.#saidLost = false;
    this.#state = "open";
    this.#opened.resolve();
  }

  #ended(ending: Ending, upstream: Upstream): void {
    if (this.#state === "over") return;
    const link = this.#link;
    if (link.name === "connected" && this.#clock.now() - link.since >= STABLE_MS) {
      this.#failures = 0;
      this.#told.clear();
    }
    // An embedded worker that was restarted listens elsewhere.
    if (ending.kind === "lost") this.#options.source.connectFailed(upstream);
    this.#failed(ending);
  }

  #failed(ending: Ending): void {
    if (this.#state === "over") return;
    this.#lastEnding = ending;
    const lasting = ending.kind !== "lost";
    if (this.#state === "opening" && lasting) {
      this.#giveUp(new BridgeError(GrpcCode.failedPrecondition, `cannot open the host channel: ${ending.message}`));
      return;
    }
    if (this.#state === "open") this.#state = "lost";
    if (this.#state === "lost") this.#tell(ending);
    if (ending.kind === "superseded" || ending.kind === "version") {
      this.#giveUp(new BridgeError(GrpcCode.unavailable, ending.message));
      return;
    }
    this.#failures += 1;
    const wait = backoff(this.#failures, this.#options.random ?? Math.random);
    this.#link = { name: "waiting", stop: this.#clock.after(wait, () => void this.#connect()) };
  }

  #neverOpened(): void {
    const why = this.#lastEnding === undefined ? "" : `: ${this.#lastEnding.message}`;
    const message = `cannot open the host channel within ${this.#times.openTimeoutMs / 1000} s${why}`;
    this.#giveUp(new BridgeError(GrpcCode.unavailable, message));
  }

  /** For good. A connection that is open is the caller's. */
  #giveUp(error: BridgeError): void {
    const link = this.#link;
    this.#state = "over";
    this.#link = { name: "none" };
    this.#stopOpenTimer?.();
    if (link.name === "waiting") link.stop();
    if (link.name === "connecting") link.connection.drop(error.message);
    this.#opened.reject(error);
  }

  #tell(ending: Ending): void {
    if (this.#told.has(ending.message)) return;
    this.#told.add(ending.message);
    const what = this.#saidLost ? "the host channel cannot be opened again" : "the host channel is lost";
    this.#saidLost = true;
    this.#log("warn", what, { cause: ending.message });
  }

  #log(level: "info" | "warn", message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#options.log[level](message, { name: this.#options.name, ...fields });
  }
}

const ENDED = "the session has ended";

/** Calls in flight have a moment to end. */
async function leave(connection: ChannelConnection, clock: Clock): Promise<void> {
  connection.leave();
  const stop = clock.after(LEAVE_GRACE_MS, () => connection.drop(ENDED));
  await connection.gone;
  stop();
}
