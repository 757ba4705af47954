// A database whose stores are full from the beginning: to put in 100,000 records by calls of a client would take minutes.
import { durableObjectIndexedDB, IndexedDBObject } from "../../../src/providers/indexeddb-durable-object/index.ts";
import { type IndexedDBSchema, serve } from "../../../src/worker/index.ts";
import { personOf, STORE_PREFIX } from "../../indexeddb/people.ts";

/** Records between two moments at which what was written goes to disk. */
const BATCH = 2_000;

export class FilledObject extends IndexedDBObject {
  override async createObjectStore(store: string, schema: IndexedDBSchema, waitMs: number | undefined) {
    const created = await super.createObjectStore(store, schema, waitMs);
    const count = Number(store.slice(STORE_PREFIX.length));
    const encoder = new TextEncoder();
    for (let at = 0; at < count; at++) {
      const { id, record } = personOf(at, count);
      await this.put(store, { key: encoder.encode(id), record }, waitMs);
      if (at % BATCH === 0) await scheduler.wait(0);
    }
    return created;
  }
}

export default serve({ people: durableObjectIndexedDB() });
