// The oracle of the differential test: the steps carried out on fake-indexeddb, an implementation of W3C IndexedDB by
// others.
//
// Where the protocol means something else than W3C, or has what W3C has not, it is put together here from what W3C has:
// - Indexes have arrays for keys, also those with one field. So all key paths are arrays.
// - The first fields of an index key may be given alone: the interval up to `[...values, []]`, an array being above all
//   else.
// - A record that does not exist is an error, and rolls a transaction back.
// - Cursors have a snapshot. So a walk goes through a list of what W3C's cursor went through at its beginning.
// - A fresh cursor stands before its first record, and W3C's on it: its first step goes to the first, or on from there.
// - A range that is upside down is empty, and no error.
import { failure, type Outcome, plainKey, plainRecord, type Trace } from "./differential-outcome.ts";
import type {
  Command,
  Field,
  IndexBound,
  IndexName,
  Operation,
  Query,
  Range,
  Row,
  Step,
  Walk,
} from "./differential-steps.ts";
import * as idb from "./fake-indexeddb.ts";

interface Entry {
  readonly key: idb.Key;
  readonly id: string;
  readonly value: idb.Cursor["value"];
}

type StoreOperation = { readonly store: number; readonly operation: Operation };

export class Oracle {
  readonly #factory = new idb.IDBFactory();
  readonly #schemas: (readonly IndexName[])[] = [[], []];
  #database: idb.Database | undefined;
  #version = 0;

  async perform(step: Step): Promise<Trace> {
    switch (step.step) {
      case "schema":
        return [await this.#schema(step.store, step.indexes)];
      case "unary":
        return this.#transaction([step], "commit");
      case "transaction":
        return this.#transaction(step.operations, step.end);
      case "walk":
        return this.#walk(step);
    }
  }

  /** The index that is meant by a number: the numbers are random, and indexes few. */
  indexAt(store: number, at: number): IndexName | undefined {
    const indexes = this.#schemas[store] ?? [];
    return indexes[at % Math.max(1, indexes.length)];
  }

  close(): void {
    this.#database?.close();
  }

  async #schema(store: number, indexes: readonly IndexName[]): Promise<Outcome> {
    this.#database?.close();
    const name = String(store);
    const upgrade = (database: idb.Database, transaction: idb.Transaction) => {
      const isNew = !database.objectStoreNames.contains(name);
      const objects = isNew ? database.createObjectStore(name, { keyPath: "id" }) : transaction.objectStore(name);
      for (const index of [...objects.indexNames]) objects.deleteIndex(index);
      for (const { name: index, keyPath, unique } of indexes) objects.createIndex(index, [...keyPath], { unique });
    };
    try {
      this.#database = await this.#open(this.#version + 1, upgrade);
      this.#version += 1;
      this.#schemas[store] = indexes;
      return "done";
    } catch {
      this.#database = await this.#open(this.#version, () => {});
      return failure("AlreadyExists");
    }
  }

  #open(
    version: number,
    upgrade: (database: idb.Database, transaction: idb.Transaction) => void,
  ): Promise<idb.Database> {
    const request = this.#factory.open("oracle", version);
    return new Promise((resolve, reject) => {
      request.onupgradeneeded = () => upgrade(request.result, request.transaction);
      request.onsuccess = () => resolve(request.result);
      request.onerror = (event) => {
        event.preventDefault();
        reject(request.error);
      };
    });
  }

  async #transaction(operations: readonly StoreOperation[], end: "commit" | "abort"): Promise<Trace> {
    const trace: Outcome[] = [];
    const transaction = this.#begin();
    for (const { store, operation } of operations) {
      const outcome = await this.#operate(transaction.objectStore(String(store)), store, operation);
      trace.push(outcome);
      if (!isFailure(outcome)) continue;
      await ended(transaction, "abort");
      return trace;
    }
    await ended(transaction, end);
    return trace;
  }

  #begin(): idb.Transaction {
    return (this.#database as idb.Database).transaction(["0", "1"], "readwrite");
  }

  async #operate(objects: idb.ObjectStore, store: number, operation: Operation): Promise<Outcome> {
    switch (operation.op) {
      case "get":
      case "getKey": {
        const only = { lower: operation.id, upper: operation.id, lowerOpen: false, upperOpen: false };
        return first(await inStore(objects, only), operation.op);
      }
      case "add":
      case "put":
        return written(objects[operation.op](objectOf(operation.row)));
      case "delete":
        await settled(objects.delete(operation.id));
        return "done";
      case "clear":
        await settled(objects.clear());
        return "done";
      case "getAll":
      case "getAllKeys":
      case "count":
        return summary(await inStore(objects, operation.range), operation.op);
      case "deleteRange":
        if (operation.range === undefined) return failure("InvalidArgument");
        return removed(objects, await inStore(objects, operation.range));
      default:
        return this.#operateOnIndex(objects, store, operation);
    }
  }

  async #operateOnIndex(
    objects: idb.ObjectStore,
    store: number,
    { op, query }: Extract<Operation, { query: Query }>,
  ): Promise<Outcome> {
    const entries = await this.#entries(objects, { store, on: { query }, direction: "next" });
    if (!Array.isArray(entries)) return entries as Outcome;
    if (op === "indexDelete") return removed(objects, entries);
    if (op === "indexGet" || op === "indexGetKey") return first(entries, op === "indexGet" ? "get" : "getKey");
    return summary(entries, op === "indexGetAll" ? "getAll" : op === "indexCount" ? "count" : "getAllKeys");
  }

  /** Or why there are none. */
  async #entries(
    objects: idb.ObjectStore,
    { store, on, direction }: Pick<Walk, "store" | "on" | "direction">,
  ): Promise<Entry[] | Outcome> {
    if (!("query" in on)) return inStore(objects, on.range, direction);
    const index = this.indexAt(store, on.query.index);
    if (index === undefined) return failure("NotFound");
    if (on.query.values.length > index.keyPath.length) return failure("InvalidArgument");
    return inIndex(objects.index(index.name), on.query, direction);
  }

  async #walk(walk: Walk): Promise<Trace> {
    const transaction = this.#begin();
    const entries = await this.#entries(transaction.objectStore(String(walk.store)), walk);
    await ended(transaction, "commit");
    if (!Array.isArray(entries)) return [entries as Outcome];
    const place = new Place(entries, (one, other) => this.#factory.cmp(one, other), walk);
    const trace: Outcome[] = [];
    for (const command of walk.commands) {
      const outcome = await this.#obey(place, walk.store, command);
      trace.push(outcome);
      if (isFailure(outcome)) break;
    }
    return trace;
  }

  async #obey(place: Place, store: number, command: Command): Promise<Outcome> {
    if (command.command !== "update" && command.command !== "delete") return place.move(command);
    const { current } = place;
    if (current === undefined) return failure("NotFound");
    const transaction = this.#begin();
    const objects = transaction.objectStore(String(store));
    if (command.command === "delete") {
      await settled(objects.delete(current.id));
      await ended(transaction, "commit");
      return "done";
    }
    const value = objectOf({ id: current.id, fields: command.fields });
    const outcome = await written(objects.put(value));
    await ended(transaction, isFailure(outcome) ? "abort" : "commit");
    return isFailure(outcome) ? outcome : place.replace(value);
  }
}

/** Where a walk stands, in a list. */
class Place {
  readonly #entries: Entry[];
  readonly #compare: (one: idb.Key, other: idb.Key) => number;
  readonly #onIndex: boolean;
  #at = -1;

  constructor(entries: Entry[], compare: (one: idb.Key, other: idb.Key) => number, { direction, on }: Walk) {
    this.#entries = entries;
    this.#compare = (one, other) => compare(one, other) * (direction.startsWith("prev") ? -1 : 1);
    this.#onIndex = "query" in on;
  }

  get current(): Entry | undefined {
    return this.#entries[this.#at];
  }

  move(command: Exclude<Command, { command: "update" | "delete" }>): Outcome {
    if (this.#at === this.#entries.length) return "end";
    if (command.command === "continue") return this.#continue(targetOf(command.key, this.#onIndex));
    return this.#to(command.command === "next" ? this.#at + 1 : Math.max(this.#at, 0) + command.count);
  }

  replace(value: Entry["value"]): Outcome {
    this.#entries[this.#at] = { ...(this.current as Entry), value };
    return this.#to(this.#at);
  }

  #continue(target: idb.Key): Outcome {
    const { current } = this;
    if (current !== undefined && this.#compare(current.key, target) >= 0) return failure("InvalidArgument");
    const found = this.#entries.findIndex(({ key }, at) => at > this.#at && this.#compare(key, target) >= 0);
    return this.#to(found === -1 ? this.#entries.length : found);
  }

  #to(at: number): Outcome {
    this.#at = Math.min(at, this.#entries.length);
    const { current } = this;
    if (current === undefined) return "end";
    return { key: plainKey(current.key), id: current.id, record: plainRecord(current.value) };
  }
}

function isFailure(outcome: Outcome): boolean {
  return typeof outcome === "object" && "error" in outcome;
}

async function inStore(
  objects: idb.ObjectStore,
  range: Range<string> | undefined,
  direction?: idb.Direction,
): Promise<Entry[]> {
  const keys = rangeOf(range);
  return keys === "nothing" ? [] : collect(objects.openCursor(keys, direction));
}

async function inIndex(index: idb.Index, { values, range }: Query, direction: idb.Direction): Promise<Entry[]> {
  const within = rangeOf(range);
  if (within === "nothing") return [];
  const keys = values.map(fieldValue) as idb.Key[];
  const prefix = keys.length === 0 ? null : idb.IDBKeyRange.bound(keys, [...keys, []]);
  const entries = await collect(index.openCursor(prefix, direction));
  return entries.filter(({ key }) => within === null || within.includes(key));
}

function first([entry]: readonly Entry[], op: "get" | "getKey"): Outcome {
  if (entry === undefined) return failure("NotFound");
  return op === "get" ? { records: [plainRecord(entry.value)] } : { keys: [entry.id] };
}

function summary(entries: readonly Entry[], op: "getAll" | "getAllKeys" | "count"): Outcome {
  if (op === "count") return { count: entries.length };
  if (op === "getAll") return { records: entries.map(({ value }) => plainRecord(value)) };
  return { keys: entries.map(({ id }) => id) };
}

async function removed(objects: idb.ObjectStore, entries: readonly Entry[]): Promise<Outcome> {
  for (const { id } of entries) await settled(objects.delete(id));
  return { count: entries.length };
}

async function written(request: idb.Request<idb.Key>): Promise<Outcome> {
  try {
    await settled(request);
    return "done";
  } catch (error) {
    if ((error as Error).name === "ConstraintError") return failure("AlreadyExists");
    throw error;
  }
}

function rangeOf(range: Range<string> | Range<IndexBound> | undefined): idb.Range | null | "nothing" {
  const { lower, upper, lowerOpen = false, upperOpen = false } = range ?? {};
  if (lower !== undefined && upper !== undefined) {
    const order = new idb.IDBFactory().cmp(lower, upper);
    if (order > 0 || (order === 0 && (lowerOpen || upperOpen))) return "nothing";
    return idb.IDBKeyRange.bound(lower, upper, lowerOpen, upperOpen);
  }
  if (lower !== undefined) return idb.IDBKeyRange.lowerBound(lower, lowerOpen);
  return upper === undefined ? null : idb.IDBKeyRange.upperBound(upper, upperOpen);
}

/** In a store a key of one part is that part. */
function targetOf(key: string | IndexBound, onIndex: boolean): idb.Key {
  const parts = typeof key === "string" ? [key] : key;
  const [only] = parts;
  return onIndex || only === undefined || parts.length > 1 ? parts : only;
}

function objectOf({ id, fields }: Row): Entry["value"] {
  return { ...Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldValue(field)])), id };
}

function fieldValue(field: Field): unknown {
  switch (field.kind) {
    case "time":
      return new Date(field.value);
    case "bytes":
      return Uint8Array.from(field.value);
    case "null":
      return null;
    default:
      return field.value;
  }
}

function settled<T>(request: idb.Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = (event) => {
      // The transaction is ended by whoever began it.
      event.preventDefault();
      event.stopPropagation();
      reject(request.error);
    };
  });
}

function collect(request: idb.Request<idb.Cursor | null>): Promise<Entry[]> {
  const entries: Entry[] = [];
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null) return resolve(entries);
      entries.push({ key: cursor.key, id: cursor.primaryKey as string, value: cursor.value });
      cursor.continue();
    };
  });
}

function ended(transaction: idb.Transaction, how: "commit" | "abort"): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => (how === "abort" ? resolve() : reject(transaction.error));
    if (how === "abort") transaction.abort();
    else transaction.commit();
  });
}
