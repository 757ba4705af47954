// IndexedDB on Durable Objects: a database is an object, with its stores and indexes in the object's SQLite.
// docs/indexeddb.md.
import { type BackoffSources, defineIndexedDBProvider, type Provider } from "../../worker/index.ts";
import { type DurableObjectIndexedDBConfig, durableObjectIndexedDBConfig, objectBinding } from "./config.ts";
import { type DatabaseStub, durableObjectIndexedDBHandlers } from "./handlers.ts";
import { objectName } from "./object-name.ts";

export type { DurableObjectIndexedDBConfig } from "./config.ts";
export { IndexedDBObject } from "./indexeddb-object.ts";

export interface DurableObjectIndexedDBOptions {
  /** Name of the Durable Object binding; `INDEXEDDB_OBJECT` when left out. A session's config may name another. */
  readonly binding?: string;
  /** Start of the objects' names; `indexeddb` when left out. A session's config may name another. */
  readonly name?: string;
  /** Silence of a caller before its transaction is rolled back, in milliseconds; 20 seconds when left out. */
  readonly transactionIdleMs?: number;
  /** Silence of a caller before its cursor is closed, in milliseconds; 5 minutes when left out. */
  readonly cursorIdleMs?: number;
  /** Chance and pauses between tries when an object's infrastructure fails. */
  readonly backoff?: BackoffSources;
}

/** Makes a database provider whose databases are {@link IndexedDBObject}s. */
export function durableObjectIndexedDB(options: DurableObjectIndexedDBOptions = {}): Provider {
  const { binding = "INDEXEDDB_OBJECT", name = "indexeddb", backoff, ...idle } = options;
  const open = ({ bindings, config }: Parameters<Parameters<typeof durableObjectIndexedDBHandlers>[0]>[0]) => {
    const namespace = objectBinding(bindings, config.binding ?? binding);
    const placement = config.location === undefined ? {} : { locationHint: config.location };
    return namespace.getByName(objectName(config.name ?? name, config), placement) as unknown as DatabaseStub;
  };
  return defineIndexedDBProvider<DurableObjectIndexedDBConfig>({
    displayName: "IndexedDB on Durable Objects",
    description: "Databases of object stores with indexes, each in a SQLite-backed Durable Object.",
    config: durableObjectIndexedDBConfig,
    configure: ({ bindings, config }) => void objectBinding(bindings, config.binding ?? binding),
    async healthCheck(request) {
      await open(request).ping();
      return { ready: true };
    },
    ...idle,
    ...durableObjectIndexedDBHandlers(open, backoff),
  });
}
