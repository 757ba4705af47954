// Records that only one client writes: put, added, written over, deleted, and looked at in between.
import { IndexedDB } from "../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { Record as WireRecord } from "../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { record, typed } from "../../indexeddb/databases.ts";
import type { Client } from "./client.ts";
import type { Value } from "./ledger.ts";

export const RECORDS = "records";

export class OwnRecords {
  readonly #client: Client;
  #made = 0;
  #value = 0n;

  constructor(client: Client) {
    this.#client = client;
  }

  async act(): Promise<void> {
    const { random } = this.#client;
    const key = this.#known();
    const kind = key === undefined ? "new" : random.weighted({ new: 6, over: 2, delete: 1, look: 3 });
    if (kind === "new" || key === undefined) return this.#new();
    if (kind === "over") return this.#write(key, IndexedDB.method.put);
    if (kind === "look") return this.#look(key);
    if (this.#client.ledger.recordValue(key) !== null) return this.#delete(key);
  }

  /** One of those about which everything is known. */
  #known(): string | undefined {
    const { ledger, name, random } = this.#client;
    if (this.#made === 0) return undefined;
    const key = `${name}-${random.integer(1, this.#made)}`;
    return ledger.recordValue(key) === undefined ? undefined : key;
  }

  #new(): Promise<void> {
    this.#made += 1;
    const { name, random } = this.#client;
    return this.#write(`${name}-${this.#made}`, random.chance(0.5) ? IndexedDB.method.put : IndexedDB.method.add);
  }

  async #write(key: string, method: typeof IndexedDB.method.put | typeof IndexedDB.method.add): Promise<void> {
    const { connection, ledger } = this.#client;
    this.#value += 1n;
    const value = this.#value;
    const request = { store: RECORDS, record: record(key, { value }) };
    await ledger.write(key, value, () => connection.unary(method, request, this.#client.budget()));
  }

  async #delete(key: string): Promise<void> {
    const { connection, ledger } = this.#client;
    await ledger.write(key, null, () => connection.unary(IndexedDB.method.delete, at(key), this.#client.budget()));
  }

  async #look(key: string): Promise<void> {
    const { connection, ledger } = this.#client;
    if (ledger.recordValue(key) !== null) {
      const { record: found } = await connection.unary(IndexedDB.method.get, at(key), this.#client.budget());
      return ledger.foundRecord(key, numberIn(found));
    }
    // Whether one is there can be asked without an error.
    const bound = typed(key);
    const request = { store: RECORDS, range: { lower: bound, upper: bound } };
    const { count } = await connection.unary(IndexedDB.method.count, request, this.#client.budget());
    if (count !== 0n) ledger.fault(`record ${key} is there, and was deleted`);
  }
}

function at(key: string) {
  return { store: RECORDS, id: key };
}

export function numberIn(record: WireRecord | undefined): Value {
  const kind = record?.fields.value?.kind;
  return kind?.case === "intValue" ? kind.value : null;
}
