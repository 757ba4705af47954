// The part of W3C IndexedDB that the oracle uses, as fake-indexeddb has it. Its own types need those of a browser,
// which the rest of these tests must not be checked with.
import * as fake from "fake-indexeddb";

export type Key = string | number | Date | Uint8Array | readonly Key[];
export type Direction = "next" | "nextunique" | "prev" | "prevunique";

export interface Request<T> {
  readonly result: T;
  readonly error: Error | null;
  onsuccess: (() => void) | null;
  onerror: ((event: { preventDefault(): void; stopPropagation(): void }) => void) | null;
}

export interface OpenRequest extends Request<Database> {
  readonly transaction: Transaction;
  onupgradeneeded: (() => void) | null;
}

export interface Database {
  readonly objectStoreNames: { contains(name: string): boolean };
  createObjectStore(name: string, options: { readonly keyPath: string }): ObjectStore;
  transaction(stores: readonly string[], mode: "readwrite"): Transaction;
  close(): void;
}

export interface Transaction {
  readonly error: Error | null;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): ObjectStore;
  commit(): void;
  abort(): void;
}

export interface Walkable {
  openCursor(range: Range | null, direction?: Direction): Request<Cursor | null>;
}

export interface Index extends Walkable {}

export interface ObjectStore extends Walkable {
  readonly indexNames: Iterable<string>;
  createIndex(name: string, keyPath: readonly string[], options: { readonly unique: boolean }): Index;
  deleteIndex(name: string): void;
  index(name: string): Index;
  add(value: object): Request<Key>;
  put(value: object): Request<Key>;
  delete(key: Key): Request<undefined>;
  clear(): Request<undefined>;
}

export interface Cursor {
  readonly key: Key;
  readonly primaryKey: Key;
  readonly value: { readonly id: string } & Record<string, unknown>;
  continue(key?: Key): void;
  advance(count: number): void;
}

export interface Range {
  includes(key: Key): boolean;
}

interface Factory {
  open(name: string, version: number): OpenRequest;
  cmp(one: Key, other: Key): number;
}

export const IDBFactory = fake.IDBFactory as unknown as new () => Factory;

export const IDBKeyRange = fake.IDBKeyRange as unknown as {
  bound(lower: Key, upper: Key, lowerOpen?: boolean, upperOpen?: boolean): Range;
  lowerBound(lower: Key, open: boolean): Range;
  upperBound(upper: Key, open: boolean): Range;
};
