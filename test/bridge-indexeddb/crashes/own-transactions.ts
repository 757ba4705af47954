// Transactions that put rows into several stores, each row with the name of its transaction, and some that also count.
import { record } from "../../indexeddb/databases.ts";
import type { Client } from "./client.ts";
import type { RowsOfTransaction } from "./ledger.ts";
import { numberIn } from "./own-records.ts";
import { TransactionCall } from "./transaction-call.ts";

export const ROW_STORES = ["rows-0", "rows-1", "rows-2", "rows-3"] as const;
export const COUNTERS = "counters";
export const COUNTER = "counter";

/** Digits of a transaction's number: keys of one client stay in the order it wrote them. */
const DIGITS = 6;

export class OwnTransactions {
  readonly #client: Client;
  #made = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  async act(): Promise<void> {
    const { connection, ledger, log, name, random } = this.#client;
    this.#made += 1;
    const id = `${name}/${String(this.#made).padStart(DIGITS, "0")}`;
    const stores = ROW_STORES.filter(() => random.chance(0.4));
    const rows = new Map<string, string[]>();
    for (let at = 0; at < random.integer(2, 5); at++) {
      const store = random.pick(stores.length === 0 ? ROW_STORES : (stores as [string, ...string[]]));
      rows.set(store, [...(rows.get(store) ?? []), `${id}/${at}`]);
    }
    const counts = random.chance(0.3);
    const ending = random.weighted({ commit: 17, abort: 2, cancel: 1 });
    const transaction: RowsOfTransaction = { id, rows, counter: undefined, outcome: "never" };
    ledger.begin(name, transaction);
    const scope = [...rows.keys(), ...(counts ? [COUNTERS] : [])];
    const call = await TransactionCall.begin(connection, log, this.#client.budget(), scope);
    await this.#write(call, transaction, counts);
    if (ending !== "commit") return call[ending]();
    await ledger.commit(transaction, () => call.commit());
  }

  async #write(call: TransactionCall, transaction: RowsOfTransaction, counts: boolean): Promise<void> {
    for (const [store, keys] of transaction.rows) {
      for (const key of keys) {
        const value = { store, record: record(key, { transaction: transaction.id }) };
        await call.operate({ case: "put", value });
      }
    }
    if (!counts) return;
    const got = await call.operate({ case: "get", value: { store: COUNTERS, id: COUNTER } });
    const before = got.case === "record" ? (numberIn(got.value.record) ?? 0n) : 0n;
    transaction.counter = before + 1n;
    const next = record(COUNTER, { value: transaction.counter });
    await call.operate({ case: "put", value: { store: COUNTERS, record: next } });
  }
}
