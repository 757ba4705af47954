// Gives the records of a store their keys in new indexes, some at a time, so that others are served meanwhile. Nobody
// writes to the store until it is over, and nobody reads the new indexes.
import { IndexedDBAlreadyExistsError } from "../../worker/index.ts";
import type { IndexDef, StoreDef } from "./catalog.ts";
import { CommittedTable, NOW, type Tables } from "./committed-table.ts";
import { ABOVE_ALL, BELOW_ALL } from "./key-bytes.ts";
import { BUILD_BYTES, BUILD_ROWS } from "./limits.ts";
import { abandon, retireIndex, UNFINISHED } from "./retired.ts";

/**
 * The indexes are listed as unfinished until their store has them: what was written is swept if this fails, or the
 * object ends before.
 *
 * @throws IndexedDBAlreadyExistsError when two records have one key of a unique index.
 */
export async function buildIndexes(
  storage: DurableObjectStorage,
  tables: Tables,
  store: StoreDef,
  added: readonly IndexDef[],
): Promise<void> {
  if (added.length === 0) return;
  storage.transactionSync(() => {
    for (const { id } of added) retireIndex(tables, id, UNFINISHED);
  });
  const table = new CommittedTable(tables, store, NOW);
  try {
    for (let from: Uint8Array | undefined = BELOW_ALL; from !== undefined; ) {
      const position: Uint8Array = from;
      from = storage.transactionSync(() => addSome(tables, table, position, added));
      if (from !== undefined) await scheduler.wait(0);
    }
  } catch (error) {
    abandon(tables, added);
    throw error;
  }
}

/** Answers where to go on; undefined when there are no more. */
function addSome(
  { entries }: Tables,
  table: CommittedTable,
  from: Uint8Array,
  added: readonly IndexDef[],
): Uint8Array | undefined {
  let rows = 0;
  let bytes = 0;
  for (const { key, record } of table.rows({ from, to: ABOVE_ALL })) {
    if (rows >= BUILD_ROWS || bytes >= BUILD_BYTES) return key;
    rows += 1;
    bytes += record.byteLength;
    for (const index of added) {
      const found = index.keyOf(record);
      if (found === undefined) continue;
      if (index.unique && entries.isHeldByAnother(index.id, found.key, key)) throw conflict(index);
      entries.add(index.id, found, key, 0);
    }
  }
  return undefined;
}

function conflict({ name }: IndexDef): IndexedDBAlreadyExistsError {
  const text = `datastore: already exists: two records have one key in the unique index ${JSON.stringify(name)}`;
  return new IndexedDBAlreadyExistsError(text);
}
