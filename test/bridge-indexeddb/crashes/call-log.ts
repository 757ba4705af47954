// How each call of a run went: answers, failures, and the faults among them.
import type { DescMethod } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import type { Stalls } from "../../support/stalls.ts";

/** What a caller asks of a call's time. */
export interface Budget {
  readonly ms: number;
  /**
   * Who ends the call then: the client library, as with any sensible caller, or the bridge alone, which is told of the deadline and
   * has to keep it.
   */
  readonly keptBy: "client" | "bridge";
}

export class CallFailed extends Error {
  readonly code: grpc.status;
  readonly details: string;

  constructor(code: grpc.status, details: string) {
    super(`${grpc.status[code]}: ${details}`);
    this.code = code;
    this.details = details;
  }
}

/** How long it took until calls that began after a kill were answered as before. */
interface Disturbance {
  readonly by: string;
  readonly at: number;
  answers: number;
  calmAfterMs: number | undefined;
}

/** So many answers, to calls that began later, show that all is well again: a few get through by the other bridge. */
const CALM_ANSWERS = 100;
/** Of the last kills, those that may not have been got over yet. */
const RECENT = 4;

/** All calls of a run. */
export class CallLog {
  readonly #stalls: Stalls;
  answered = 0;
  longestOverrunMs = Number.NEGATIVE_INFINITY;
  /** How often each failure was seen, by method, code and text. */
  readonly failures = new Map<string, number>();
  readonly faults: string[] = [];
  readonly disturbances: Disturbance[] = [];

  constructor(stalls: Stalls) {
    this.#stalls = stalls;
  }

  /** Returns what is to be called when the call has ended. */
  begin({ name }: DescMethod, { ms, keptBy }: Budget): (failure?: CallFailed) => void {
    const began = performance.now();
    const deadline = began + ms;
    let sent = began;
    setImmediate(() => {
      sent = performance.now();
    });
    return (failure) => {
      const now = performance.now();
      // The bridge counts from when it hears of the call.
      const held = now < deadline ? 0 : this.#stalls.between(deadline, now) + this.#stalls.between(began, sent);
      this.#ended(`${name}, with ${ms} ms kept by the ${keptBy},`, now - deadline, held, failure);
      if (failure === undefined) this.#answered(began, now);
      else this.failed(name, failure);
    };
  }

  /** Also for failures that are part of an answer. */
  failed(name: string, { code, details }: CallFailed): void {
    // What grpc-js adds on times and addresses makes each of its texts another one.
    const text = details.replace(/^(Deadline exceeded) after.*/, "$1").replace(/(Error: connect \w+).*/, "$1");
    const what = `${name} ${grpc.status[code]} ${text}`;
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
    if (!EXPECTED.has(code)) this.faults.push(`${name} failed with ${grpc.status[code]}: ${details}`);
  }

  /** A process was killed just now. */
  disturbed(by: string): void {
    this.disturbances.push({ by, at: performance.now(), answers: 0, calmAfterMs: undefined });
  }

  #answered(began: number, now: number): void {
    this.answered += 1;
    for (const disturbance of this.disturbances.slice(-RECENT)) {
      if (began < disturbance.at || disturbance.calmAfterMs !== undefined) continue;
      disturbance.answers += 1;
      if (disturbance.answers === CALM_ANSWERS) disturbance.calmAfterMs = Math.round(now - disturbance.at);
    }
  }

  /** `after` is the time since the deadline, `held` what this process has itself to blame for, both in milliseconds. */
  #ended(what: string, after: number, held: number, failure: CallFailed | undefined): void {
    this.longestOverrunMs = Math.max(this.longestOverrunMs, after - held);
    const text = failure?.message ?? "answered";
    if (after - held > MAX_OVERRUN_MS) {
      this.faults.push(
        `${what} ended ${Math.round(after)} ms late, ${Math.round(held)} ms of it by our own fault: ${text}`,
      );
    }
    if (failure?.code === grpc.status.DEADLINE_EXCEEDED && after < -EARLY_MS) {
      this.faults.push(`${what} ended ${Math.round(-after)} ms too early: ${text}`);
    }
  }
}

/** Issue 4 §5: "no call outlives its deadline by a second". */
const MAX_OVERRUN_MS = 1_000;
/** Clocks of three processes take part in keeping a deadline, and timers fire to the millisecond. */
const EARLY_MS = 100;

/** All that a caller may hear while processes die; CANCELLED is its own doing. */
const EXPECTED = new Set([grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED, grpc.status.CANCELLED]);
