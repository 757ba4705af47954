// The provider: databases by the name that gestaltd gives them, and the handlers on one.
import { defineIndexedDBProvider, type Provider } from "gestalt-edge";
import * as z from "zod";
import { Database, found, operationsOn } from "./database.ts";
import type { Disk } from "./disk.ts";
import { cursorOn, storeOf } from "./store.ts";

const config = z.object({
  /** Which database: what gestaltd adds for a plugin's own. */
  table: z.string().default(""),
});

export function smallDatabases(disk: Disk): Provider {
  const databases = new Map<string, Database>();
  const named = (name: string): Database => {
    const database = databases.get(name) ?? new Database(name, disk);
    databases.set(name, database);
    return database;
  };
  for (const [[database, name], store] of disk.load()) named(database).stores.set(name, store);
  const open = (request: { readonly config: z.infer<typeof config> }) => named(request.config.table);

  return defineIndexedDBProvider({
    displayName: "Small databases",
    description: "Databases in memory, kept on the disk of one Durable Object.",
    config,

    createObjectStore: ({ store, schema }, request) =>
      open(request).write(store, request.signal, (stores) => {
        stores.set(store, storeOf(schema, stores.get(store)?.rows));
      }),
    deleteObjectStore: ({ store }, request) =>
      open(request).write(store, request.signal, (stores) => void stores.delete(store)),

    get: (input, request) => operationsOn(open(request).stores).get(input),
    getAll: (input, request) => operationsOn(open(request).stores).getAll(input),
    getAllKeys: (input, request) => operationsOn(open(request).stores).getAllKeys(input),
    count: (input, request) => operationsOn(open(request).stores).count(input),
    add: (input, request) =>
      open(request).write(input.store, request.signal, (stores) => operationsOn(stores).add(input)),
    put: (input, request) =>
      open(request).write(input.store, request.signal, (stores) => operationsOn(stores).put(input)),
    delete: (input, request) =>
      open(request).write(input.store, request.signal, (stores) => operationsOn(stores).delete(input)),

    openCursor: (input, request) => cursorOn(found(open(request).stores, input.store), input),

    async transaction({ stores: names, mode }, request) {
      const database = open(request);
      // Nobody need wait to be told that there is no such store.
      for (const name of names) found(database.stores, name);
      const { stores, commit, end } = await database.begin(names, request.signal);
      // A readonly one has waited for those before it, and keeps nobody waiting.
      if (mode === "readonly") end();
      return {
        ...operationsOn(stores),
        commit() {
          try {
            if (mode === "readwrite") commit();
          } finally {
            end();
          }
        },
        abort: end,
      };
    },
  });
}
