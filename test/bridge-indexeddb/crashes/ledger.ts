// What clients have done to the database, as far as they were told, and what must hold of it: during the run and after it.
import { checkRegister, type RegisterOperation } from "../../support/linearizability.ts";
import type { Seeded } from "../../support/seeded.ts";
import { FIRST } from "./registers.ts";

/** `null` for a record that is not there. */
export type Value = bigint | null;

/** A transaction that puts rows into several stores, each with what is needed to miss the others. */
export interface RowsOfTransaction {
  readonly id: string;
  /** Keys of its rows, by store. */
  readonly rows: ReadonlyMap<string, readonly string[]>;
  /** What it has set the counter to. */
  counter: bigint | undefined;
  /** `unsure` from the moment its commit is asked for, until it is answered; `never` before, and when it was rolled back. */
  outcome: "never" | "unsure" | "committed";
}

/** A row as it is found: which transaction put it there. */
export interface FoundRow {
  readonly store: string;
  readonly key: string;
  readonly transaction: string;
}

export class Ledger {
  /** What each record may be; one thing, when all about it was answered. */
  readonly #records = new Map<string, readonly Value[]>();
  readonly #transactions = new Map<string, RowsOfTransaction>();
  /** By who has begun them. */
  readonly #byOwner = new Map<string, RowsOfTransaction[]>();
  readonly #registers = new Map<string, RegisterOperation[]>();
  readonly #faults: string[] = [];
  #moment = 0;
  unsure = 0;

  get faults(): readonly string[] {
    return this.#faults;
  }

  get counts() {
    const outcomes = [...this.#transactions.values()].map(({ outcome }) => outcome);
    return {
      records: this.#records.size,
      committed: outcomes.filter((outcome) => outcome === "committed").length,
      unsureCommits: outcomes.filter((outcome) => outcome === "unsure").length,
      registerOperations: [...this.#registers.values()].reduce((sum, operations) => sum + operations.length, 0),
    };
  }

  fault(text: string): void {
    this.#faults.push(text);
  }

  /** Moments that order what is called and answered. */
  now(): number {
    this.#moment += 1;
    return this.#moment;
  }

  /** Known for sure; undefined when it is not. */
  recordValue(key: string): Value | undefined {
    const [only, ...more] = this.#records.get(key) ?? [null];
    return more.length === 0 ? only : undefined;
  }

  /** A write of a record, that is answered or not. What is unsure must not be written again: the first write may come late. */
  async write(key: string, value: Value, work: () => Promise<unknown>): Promise<void> {
    const before = this.#records.get(key) ?? [null];
    this.#records.set(key, [...before, value]);
    try {
      await work();
    } catch (error) {
      this.unsure += 1;
      throw error;
    }
    this.#records.set(key, [value]);
  }

  foundRecord(key: string, value: Value): void {
    const allowed = this.#records.get(key) ?? [null];
    if (!allowed.includes(value)) this.fault(`record ${key} is ${value}, and can only be ${allowed.join(" or ")}`);
  }

  foundAllRecords(found: ReadonlyMap<string, bigint>): void {
    for (const key of new Set([...this.#records.keys(), ...found.keys()])) {
      this.foundRecord(key, found.get(key) ?? null);
    }
  }

  begin(owner: string, transaction: RowsOfTransaction): void {
    this.#transactions.set(transaction.id, transaction);
    const own = this.#byOwner.get(owner) ?? [];
    this.#byOwner.set(owner, own);
    own.push(transaction);
  }

  async commit(transaction: RowsOfTransaction, work: () => Promise<void>): Promise<void> {
    transaction.outcome = "unsure";
    try {
      await work();
    } catch (error) {
      this.unsure += 1;
      throw error;
    }
    transaction.outcome = "committed";
  }

  committed(): RowsOfTransaction[] {
    return [...this.#transactions.values()].filter(({ outcome }) => outcome === "committed");
  }

  /** Of anyone. */
  lastTransactions(random: Seeded, count: number): readonly RowsOfTransaction[] {
    const [first, ...others] = [...this.#byOwner.values()];
    return first === undefined ? [] : random.pick([first, ...others]).slice(-count);
  }

  /** What was seen at one moment of some stores: no transaction may be half there, and `expected` has to be. */
  foundRows(found: readonly FoundRow[], stores: readonly string[], expected: readonly RowsOfTransaction[]): void {
    const byTransaction = Map.groupBy(found, ({ transaction }) => transaction);
    for (const [id, rows] of byTransaction) {
      const transaction = this.#transactions.get(id);
      if (transaction === undefined) this.fault(`rows of a transaction ${id} are there, which nobody began`);
      else if (transaction.outcome === "never") this.fault(`rows of ${id} are there, which was never committed`);
      else this.#whole(transaction, rows, stores);
    }
    for (const transaction of expected) this.#whole(transaction, byTransaction.get(transaction.id) ?? [], stores);
  }

  /** The counter at the end, which each transaction that used it has raised by one. */
  foundCounter(value: bigint, found: readonly FoundRow[]): void {
    const present = new Set(found.map(({ transaction }) => transaction));
    const counted = [...this.#transactions.values()].filter(
      ({ id, counter }) => counter !== undefined && present.has(id),
    );
    const numbers = counted.map(({ counter }) => counter ?? 0n).sort((one, other) => Number(one - other));
    const wanted = numbers.map((_, at) => BigInt(at + 1));
    if (value !== BigInt(numbers.length) || numbers.join() !== wanted.join()) {
      this.fault(`the counter is ${value}, and its transactions that are there have set it to ${numbers.join(", ")}`);
    }
  }

  /** Something done to a register. `work` returns what it found, if it looked; `asked` tells whether one that failed may have written. */
  async register(
    name: string,
    wrote: string | undefined,
    work: () => Promise<string | null | undefined>,
    asked: () => boolean = () => true,
  ): Promise<void> {
    const operations = this.#registers.get(name) ?? [];
    this.#registers.set(name, operations);
    const calledAt = this.now();
    const written = wrote === undefined ? {} : { wrote };
    try {
      const found = await work();
      operations.push({ calledAt, answeredAt: this.now(), ...(found === undefined ? {} : { found }), ...written });
    } catch (error) {
      if (wrote !== undefined && asked()) {
        this.unsure += 1;
        operations.push({ calledAt, answeredAt: undefined, wrote });
      }
      throw error;
    }
  }

  checkRegisters(): void {
    for (const [name, operations] of this.#registers) {
      const verdict = checkRegister(operations, FIRST);
      if (!verdict.ok) this.fault(`register ${name} is not linearizable: ${verdict.why}`);
    }
  }

  #whole({ id, rows, outcome }: RowsOfTransaction, found: readonly FoundRow[], stores: readonly string[]): void {
    const keys = new Set(found.map(({ store, key }) => `${store} ${key}`));
    const wanted = stores.flatMap((store) => (rows.get(store) ?? []).map((key) => `${store} ${key}`));
    const missing = wanted.filter((key) => !keys.has(key));
    if (missing.length === 0) return;
    this.fault(`${id} (${outcome}) has ${found.length} of ${wanted.length} rows; not there: ${missing.join(", ")}`);
  }
}
