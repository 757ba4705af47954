// One object store: records by primary key, and what its indexes make of them, worked out when they are asked.
import { create } from "@bufbuild/protobuf";
import {
  type IndexSchema,
  type ObjectStoreSchema,
  ObjectStoreSchemaSchema,
} from "../../../../src/gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import type {
  KeyRange,
  TypedValue,
  Record as WireRecord,
} from "../../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { compareEntries, type Entry, entryOf, startsWith } from "./entries.ts";
import { alreadyExists, invalid, notFound } from "./errors.ts";
import { compareKeys, keyOf } from "./keys.ts";
import { rangeTest } from "./range.ts";

export class Store {
  schema: ObjectStoreSchema;
  #records: Map<string, WireRecord>;

  constructor(schema?: ObjectStoreSchema, records?: ReadonlyMap<string, WireRecord>) {
    this.schema = schema ?? create(ObjectStoreSchemaSchema);
    this.#records = new Map(records);
  }

  /** For a transaction to work on. Records are never changed, only replaced, so they need no copy. */
  fork(): Store {
    return new Store(this.schema, this.#records);
  }

  /** Takes over what a transaction has made of its fork. */
  adopt(fork: Store): void {
    this.#records = fork.#records;
  }

  get(id: string): WireRecord {
    const record = this.#records.get(id);
    if (record === undefined) throw notFound();
    return record;
  }

  add(record: WireRecord | undefined): void {
    if (this.#records.has(idOf(record))) throw alreadyExists();
    this.put(record);
  }

  put(record: WireRecord | undefined): void {
    const id = idOf(record);
    for (const index of this.schema.indexes) if (index.unique) this.#assertUnique(index, id, record as WireRecord);
    this.#records.set(id, record as WireRecord);
  }

  delete(id: string): boolean {
    return this.#records.delete(id);
  }

  clear(): void {
    this.#records.clear();
  }

  /** Primary keys in ascending order. */
  keys(range?: KeyRange): string[] {
    return [...this.#records.keys()].filter(rangeTest(range, "store")).sort();
  }

  /** In the order of the index. */
  entries(indexName: string, values: readonly TypedValue[], range?: KeyRange): Entry[] {
    const index = this.schema.indexes.find(({ name }) => name === indexName);
    if (index === undefined) throw notFound();
    if (values.length > index.keyPath.length)
      throw invalid(`the index has ${index.keyPath.length} fields, not ${values.length}`);
    const exact = values.map(keyOf);
    const within = rangeTest(range, "index");
    return this.#all(index)
      .filter(({ key }) => startsWith(key, exact) && within(key))
      .sort(compareEntries);
  }

  #all(index: IndexSchema): Entry[] {
    return [...this.#records].flatMap(([id, record]) => entryOf(index, id, record) ?? []);
  }

  #assertUnique(index: IndexSchema, id: string, record: WireRecord): void {
    const entry = entryOf(index, id, record);
    if (entry === undefined) return;
    const taken = this.#all(index).some((other) => other.id !== id && compareKeys(other.key, entry.key) === 0);
    if (taken) throw alreadyExists();
  }
}

function idOf(record: WireRecord | undefined): string {
  const id = record?.fields.id?.kind;
  if (id?.case !== "stringValue") throw invalid('a record needs a string in its field "id"');
  return id.value;
}
