// A cursor, as the worker that opens it holds it: over the platform's RPC, so that the object learns when that worker
// is gone.
import { RpcTarget } from "cloudflare:workers";
import {
  Code,
  ConnectError,
  type IndexedDBCursorInput,
  type IndexedDBCursorRead,
  type IndexedDBEntry,
} from "../../worker/index.ts";
import type { Database } from "./database.ts";
import { Lease } from "./lease.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import type { Snapshot } from "./versions.ts";
import type { Walk } from "./walk.ts";

export class CursorSession extends RpcTarget {
  readonly #database: Database;
  readonly #snapshot: Snapshot;
  readonly #walk: Walk;
  readonly #lease: Lease;
  #over = false;

  constructor(database: Database, input: IndexedDBCursorInput, leaseMs: number) {
    super();
    this.#database = database;
    ({ walk: this.#walk, snapshot: this.#snapshot } = database.walk(input));
    this.#lease = new Lease(leaseMs, () => this.close());
  }

  read(input: IndexedDBCursorRead): Promise<Outcome<IndexedDBEntry[]>> {
    return outcomeOf(() => {
      if (this.#over) throw new ConnectError("The cursor was not used for too long and was closed.", Code.Aborted);
      this.#lease.renew();
      return this.#walk.read(input);
    });
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#lease.end();
    this.#database.dropSnapshot(this.#snapshot);
  }

  /** The worker has let go of it, or is gone. */
  [Symbol.dispose](): void {
    this.close();
  }
}
