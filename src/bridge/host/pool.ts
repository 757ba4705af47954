// The connections to one address: one, and more only while the peer takes no further call on it.
import type { CallStatus } from "../grpc/status.ts";
import type { HostAddress } from "./address.ts";
import type { HostCall } from "./call.ts";
import { MAX_SESSIONS_PER_ADDRESS } from "./limits.ts";
import { HostSession, type SessionState, type SessionTimes } from "./session.ts";

export class HostPool {
  readonly #address: HostAddress;
  readonly #times: SessionTimes;
  readonly #failed: (status: CallStatus) => void;
  /** Those whose sockets are open, in any state. */
  readonly #sessions = new Set<HostSession>();
  /** Calls that no connection has been found for yet, first come first served. */
  readonly #waiting = new Set<HostCall>();
  #allGone: (() => void) | undefined;

  /** `failed` hears of each connection that could not be made. */
  constructor(address: HostAddress, times: SessionTimes, failed: (status: CallStatus) => void) {
    this.#address = address;
    this.#times = times;
    this.#failed = failed;
  }

  /** The best of its connections' states. */
  get state(): SessionState {
    const states = new Set([...this.#sessions].map((session) => session.state));
    return ORDER.find((state) => states.has(state)) ?? "closed";
  }

  start(call: HostCall): void {
    this.#waiting.add(call);
    call.onOver = () => this.#waiting.delete(call);
    this.#dispatch();
  }

  /** Ends every call and connection; resolves when no socket is left. */
  async close(status: CallStatus): Promise<void> {
    for (const call of [...this.#waiting]) call.end(status);
    if (this.#sessions.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    for (const session of this.#sessions) session.destroy(undefined, status);
    await gone;
  }

  /** Gives waiting calls to connections, and makes another if there are too few. */
  #dispatch(): void {
    for (const call of this.#waiting) {
      const session = this.#choose();
      if (session === undefined) {
        this.#grow();
        return;
      }
      this.#give(call, session);
    }
  }

  /** The first with room, so that the others fall idle; when no more can be made, the one with the fewest calls. */
  #choose(): HostSession | undefined {
    for (const session of this.#sessions) if (session.hasRoom) return session;
    return this.#sessions.size < MAX_SESSIONS_PER_ADDRESS ? undefined : this.#leastBusy();
  }

  #leastBusy(): HostSession | undefined {
    const ready = [...this.#sessions].filter(({ state }) => state === "ready");
    return ready.sort((one, other) => one.streams - other.streams)[0];
  }

  #grow(): void {
    for (const { state } of this.#sessions) if (state === "connecting") return;
    if (this.#sessions.size >= MAX_SESSIONS_PER_ADDRESS) return;
    this.#sessions.add(
      new HostSession(this.#address, this.#times, {
        ready: () => this.#dispatch(),
        room: () => this.#dispatch(),
        failed: (session, status) => this.#connectFailed(session, status),
        gone: (session) => this.#gone(session),
      }),
    );
  }

  /** Calls do not wait for better times, since their callers know best whether to try again; but for a slot they may. */
  #connectFailed(session: HostSession, status: CallStatus): void {
    this.#sessions.delete(session);
    this.#failed(status);
    const other = this.#leastBusy();
    for (const call of [...this.#waiting]) {
      if (other === undefined) call.end(status);
      else this.#give(call, other);
    }
  }

  #give(call: HostCall, session: HostSession): void {
    this.#waiting.delete(call);
    session.start(call);
  }

  #gone(session: HostSession): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#allGone?.();
    if (this.#waiting.size > 0) this.#dispatch();
  }
}

const ORDER: readonly SessionState[] = ["ready", "connecting", "draining"];
