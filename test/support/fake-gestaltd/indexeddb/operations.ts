// The sixteen operations that are unary methods and steps of a transaction alike.
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { IndexedDB } from "../../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import type {
  IndexQueryRequest,
  ObjectStoreRequest,
} from "../../../../src/gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import { invalid, notFound } from "./errors.ts";
import type { Store } from "./store.ts";

type Methods = (typeof IndexedDB)["method"];
export type Operation = Exclude<
  keyof Methods,
  "createObjectStore" | "deleteObjectStore" | "openCursor" | "transaction"
>;
export type Request<O extends Operation> = MessageShape<Methods[O]["input"]>;
export type Answer<O extends Operation> = MessageInitShape<Methods[O]["output"]>;

export const OPERATIONS: { readonly [O in Operation]: (store: Store, request: Request<O>) => Answer<O> } = {
  get: (store, { id }) => ({ record: store.get(id) }),
  getKey: (store, { id }: ObjectStoreRequest) => {
    store.get(id);
    return { key: id };
  },
  add: (store, { record }) => done(store.add(record)),
  put: (store, { record }) => done(store.put(record)),
  delete: (store, { id }) => done(store.delete(id)),
  clear: (store) => done(store.clear()),
  getAll: (store, { range }) => ({ records: store.keys(range).map((id) => store.get(id)) }),
  getAllKeys: (store, { range }) => ({ keys: store.keys(range) }),
  count: (store, { range }) => ({ count: BigInt(store.keys(range).length) }),
  deleteRange: (store, { range }) => {
    if (range === undefined) throw invalid("key range is required for DeleteRange");
    return { deleted: removed(store, store.keys(range)) };
  },
  indexGet: (store, request) => ({ record: store.get(first(matches(store, exactly(request)))) }),
  indexGetKey: (store, request) => ({ key: first(matches(store, exactly(request))) }),
  indexGetAll: (store, request) => ({ records: matches(store, request).map((id) => store.get(id)) }),
  indexGetAllKeys: (store, request) => ({ keys: matches(store, request) }),
  indexCount: (store, request) => ({ count: BigInt(matches(store, request).length) }),
  indexDelete: (store, request) => ({ deleted: removed(store, matches(store, exactly(request))) }),
};

/** What a readonly transaction refuses. */
export const WRITES: ReadonlySet<string> = new Set<Operation>([
  "add",
  "put",
  "delete",
  "clear",
  "deleteRange",
  "indexDelete",
]);

/** Primary keys in the order of the index. */
function matches(
  store: Store,
  { index, values, range }: Pick<IndexQueryRequest, "index" | "values" | "range">,
): string[] {
  return store.entries(index, values, range).map(({ id }) => id);
}

/** gestaltd passes the values of these on, and drops the range (services/indexeddb/server.go). */
function exactly({ index, values }: IndexQueryRequest) {
  return { index, values };
}

function first([id]: readonly string[]): string {
  if (id === undefined) throw notFound();
  return id;
}

function removed(store: Store, ids: readonly string[]): bigint {
  return BigInt(ids.filter((id) => store.delete(id)).length);
}

function done(_: unknown): Record<string, never> {
  return {};
}
