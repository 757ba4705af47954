// A database bound to the session.
import { IndexedDB as Service } from "../../../gen/gestalt/provider/v1/indexeddb_pb.ts";
import { hostCalls } from "../calls.ts";
import type { HostLink } from "../link.ts";
import { cursorFactory } from "./cursor.ts";
import { INDEXEDDB_ERRORS } from "./errors.ts";
import { ObjectStoreClient } from "./object-store.ts";
import { unaryOperations } from "./operations.ts";
import type { StoredRecord } from "./records.ts";
import { ColumnType, columnsOf, type ObjectStoreSchema } from "./schema.ts";
import { runTransaction } from "./transaction.ts";
import type { IndexedDB } from "./types.ts";

export type { IndexedDB } from "./types.ts";

export function indexedDBClient(link: HostLink): IndexedDB {
  const calls = hostCalls(Service, "indexedDB", link, INDEXEDDB_ERRORS);
  const operations = unaryOperations(link, calls);
  return {
    async createObjectStore(name, schema, options) {
      await calls.createObjectStore({ name, schema: schemaMessage(schema) }, link.options(options));
    },
    async deleteObjectStore(name, options) {
      await calls.deleteObjectStore({ name }, link.options(options));
    },
    objectStore<T extends StoredRecord>(name: string, schema?: Pick<ObjectStoreSchema, "columns">) {
      const columns = columnsOf(schema);
      return new ObjectStoreClient<T>(operations, name, columns, cursorFactory<T>(link, calls, columns));
    },
    transaction(stores, mode, work, options = {}) {
      const begin = { stores: typeof stores === "string" ? [stores] : stores, mode };
      return runTransaction(link, calls, begin, work, options);
    },
  };
}

function schemaMessage({ indexes = [], columns = [] }: ObjectStoreSchema = {}) {
  return {
    indexes: indexes.map(({ name, keyPath, unique = false }) => ({ name, keyPath: [...keyPath], unique })),
    columns: columns.map(({ type = ColumnType.String, ...column }) => ({ ...column, type })),
  };
}
