// Which briefings were written, in the plugin's database.
import { type IndexedDB, KeyRange } from "gestalt-edge";

export interface Written {
  readonly topic: string;
  /** How often. */
  readonly writes: number;
  /** The last time, as ISO 8601. */
  readonly last: string;
}

const STORE = "briefings";
const SCHEMA = { indexes: [{ name: "by_last", keyPath: ["last"] }] };
/** Topics that `latest` returns at most. */
const LISTED = 20;

export function historyOf(database: IndexedDB) {
  const written = database.objectStore(STORE);
  return {
    /** In a transaction, so that of two at once none is lost. */
    async add(topic: string, key: string): Promise<void> {
      // Costs little when it is there. Not in `start`: gestaltd's services may not be up when it starts its plugins.
      await database.createObjectStore(STORE, SCHEMA);
      await database.transaction(STORE, "readwrite", async (transaction) => {
        const store = transaction.objectStore(STORE);
        // Not `get`: a record that is missing ends a transaction.
        const [before] = await store.getAll(KeyRange.only(key));
        const writes = Number(before?.writes ?? 0) + 1;
        await store.put({ id: key, topic, writes, last: new Date().toISOString() });
      });
    },
    async latest(): Promise<Written[]> {
      await database.createObjectStore(STORE, SCHEMA);
      const latest: Written[] = [];
      for await (const { value } of written.index("by_last").openCursor({ direction: "prev" })) {
        latest.push({ topic: String(value.topic), writes: Number(value.writes), last: String(value.last) });
        if (latest.length === LISTED) break;
      }
      return latest;
    },
  };
}
