// The sixteen operations that are unary methods and steps of a transaction alike, in terms of a database's handlers.
import type { MessageShape } from "@bufbuild/protobuf";
import type { IndexedDB } from "../../gen/gestalt/provider/v1/indexeddb_pb.ts";
import {
  type IndexQueryRequest,
  type ObjectStoreRangeRequest,
  type ObjectStoreRequest,
  type RecordRequest,
  RecordRequestSchema,
} from "../../gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { invalid, notFound } from "./errors.ts";
import { EVERYTHING, indexInterval, only, storeInterval } from "./model/intervals.ts";
import { encodePrimaryKey } from "./model/key-encoding.ts";
import { fieldAt } from "./model/wire-reader.ts";
import { indexName, storeName } from "./names.ts";
import type { IndexedDBOperations, IndexedDBQuery, IndexedDBRow } from "./objects.ts";
import { rowFrom } from "./records.ts";
import type { Reply } from "./replies.ts";

type Methods = (typeof IndexedDB)["method"];

export type OperationName = Exclude<
  keyof Methods,
  "createObjectStore" | "deleteObjectStore" | "openCursor" | "transaction"
>;
export type OperationRequest<O extends OperationName> = MessageShape<Methods[O]["input"]>;

/** A database or a transaction, as the operations need it. */
export type Operations = IndexedDBOperations<readonly []>;

/** What a readonly transaction refuses. */
export const WRITES: ReadonlySet<OperationName> = new Set<OperationName>([
  "add",
  "put",
  "delete",
  "clear",
  "deleteRange",
  "indexDelete",
]);

/** `encoded` is the request as it came, if it came in one piece. */
type Perform<O extends OperationName> = (
  on: Operations,
  request: OperationRequest<O>,
  encoded: Uint8Array | undefined,
) => Promise<Reply>;

export const OPERATIONS: { readonly [O in OperationName]: Perform<O> } = {
  async get(on, request) {
    const record = await on.get(oneOf(request));
    if (record === null || record === undefined) throw notFound();
    return { case: "record", record };
  },
  getKey: (on, { store, id }) => firstKey(on, { store: storeName(store), fields: 0, ...only(encodePrimaryKey(id)) }),
  async add(on, request, encoded) {
    await on.add(rowOf(request, encoded));
    return { case: "empty" };
  },
  async put(on, request, encoded) {
    await on.put(rowOf(request, encoded));
    return { case: "empty" };
  },
  async delete(on, { store, id }) {
    await on.delete({ store: storeName(store), fields: 0, ...only(encodePrimaryKey(id)) });
    return { case: "empty" };
  },
  async clear(on, { store }) {
    await on.delete({ store: storeName(store), fields: 0, ...EVERYTHING });
    return { case: "empty" };
  },
  getAll: (on, request) => records(on, rangeOf(request)),
  getAllKeys: (on, request) => keys(on, rangeOf(request)),
  count: (on, request) => count(on, rangeOf(request)),
  async deleteRange(on, request) {
    if (request.range === undefined) throw invalid("key range is required for DeleteRange");
    return { case: "delete", deleted: await on.delete(rangeOf(request)) };
  },
  async indexGet(on, request) {
    const [record] = await on.getAll({ ...queryOf(request), limit: 1, maxBytes: MAX_MESSAGE_BYTES });
    if (record === undefined) throw notFound();
    return { case: "record", record };
  },
  indexGetKey: (on, request) => firstKey(on, queryOf(request)),
  indexGetAll: (on, request) => records(on, queryOf(request)),
  indexGetAllKeys: (on, request) => keys(on, queryOf(request)),
  indexCount: (on, request) => count(on, queryOf(request)),
  indexDelete: async (on, request) => ({ case: "delete", deleted: await on.delete(queryOf(request)) }),
};

async function records(on: Operations, query: IndexedDBQuery): Promise<Reply> {
  return { case: "records", records: await on.getAll({ ...query, maxBytes: MAX_MESSAGE_BYTES }) };
}

async function keys(on: Operations, query: IndexedDBQuery): Promise<Reply> {
  return { case: "keys", keys: await on.getAllKeys({ ...query, maxBytes: MAX_MESSAGE_BYTES }) };
}

async function count(on: Operations, query: IndexedDBQuery): Promise<Reply> {
  return { case: "count", count: await on.count(query) };
}

async function firstKey(on: Operations, query: IndexedDBQuery): Promise<Reply> {
  const [key] = await on.getAllKeys({ ...query, limit: 1, maxBytes: MAX_MESSAGE_BYTES });
  if (key === undefined) throw notFound();
  return { case: "key", key };
}

function oneOf({ store, id }: ObjectStoreRequest) {
  return { store: storeName(store), key: encodePrimaryKey(id) };
}

function rowOf({ store, record }: RecordRequest, encoded: Uint8Array | undefined) {
  const row: IndexedDBRow = rowFrom(record, encoded && fieldAt(encoded, RecordRequestSchema.field.record.number));
  return { store: storeName(store), row };
}

function rangeOf({ store, range }: ObjectStoreRangeRequest): IndexedDBQuery {
  return { store: storeName(store), fields: 0, ...storeInterval(range) };
}

function queryOf({ store, index, values, range }: IndexQueryRequest): IndexedDBQuery {
  return {
    store: storeName(store),
    index: indexName(index),
    fields: values.length,
    ...indexInterval(values, range),
  };
}
