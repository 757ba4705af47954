// Compile-only: records, keys and transactions of host.indexedDB keep their types, and each wrong use is an error.
import {
  ColumnType,
  type Cursor,
  CursorDirection,
  type IndexedDB,
  type IndexedDBRecord,
  type IndexKey,
  KeyRange,
  type StoredRecord,
} from "../../src/worker/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const assertType = <T extends true>(): T | undefined => undefined;

interface Order {
  readonly id: string;
  readonly total: number;
  readonly paid?: Date;
}

export async function stores(db: IndexedDB): Promise<void> {
  await db.createObjectStore("orders", { columns: [{ name: "total", type: ColumnType.Float }] });
  const orders = db.objectStore<Order>("orders", { columns: [{ name: "total", type: ColumnType.Float }] });
  const order = await orders.get("a");
  assertType<Equal<typeof order, Order>>();
  const all = await orders.index("by_total").getAll({ values: [1], range: KeyRange.bound(["a", 1], ["b"]) });
  assertType<Equal<typeof all, Order[]>>();
  await orders.put({ id: "a", total: 1 }, { timeoutMs: 100 });
  await orders.count(undefined, { timeoutMs: 100 });
  await orders.getAllKeys(KeyRange.lowerBound("a"));
  const any = await db.objectStore("any").get("a");
  assertType<Equal<typeof any, IndexedDBRecord>>();

  // @ts-expect-error: a record lacks a field
  await orders.put({ id: "a" });
  // @ts-expect-error: no primary key
  db.objectStore<{ readonly total: number }>("orders");
  // @ts-expect-error: primary keys are strings
  await orders.getAll(KeyRange.only(1));
  // @ts-expect-error: a range stands in a query
  await orders.index("by_total").getAll(KeyRange.only(1));
  // @ts-expect-error: gestaltd takes no range here
  await orders.index("by_total").delete({ range: KeyRange.only(1) });
  // @ts-expect-error: dates cannot stand in a bound of several fields
  await orders.index("by_total").count({ range: KeyRange.only(["a", new Date()]) });
}

export async function cursors(db: IndexedDB): Promise<void> {
  const orders = db.objectStore<Order>("orders");
  for await (const cursor of orders.openCursor({ range: KeyRange.only("a"), direction: "prev" })) {
    assertType<Equal<typeof cursor, Cursor<Order, string>>>();
    assertType<Equal<typeof cursor.value, Order>>();
    await cursor.update({ ...cursor.value, total: 2 });
    await cursor.update({ total: 2 });
    cursor.continue("b");
    // @ts-expect-error: a record lacks a field
    await cursor.update({ paid: new Date() });
    // @ts-expect-error: primary keys are strings
    cursor.continue(1);
  }
  for await (const cursor of orders.index("by_total").openKeyCursor({ direction: CursorDirection.NextUnique })) {
    assertType<Equal<typeof cursor.key, readonly IndexKey[]>>();
    cursor.continue(1);
    cursor.continue(["a", 1]);
    // @ts-expect-error: keys come without records
    cursor.value;
  }
  // @ts-expect-error: there is no such way
  orders.openCursor({ direction: "sideways" });
}

export async function transactions(db: IndexedDB): Promise<void> {
  const total = await db.transaction(
    ["orders"],
    "readwrite",
    async (tx) => (await tx.objectStore<Order>("orders").get("a")).total,
  );
  assertType<Equal<typeof total, number>>();
  await db.transaction("orders", "readonly", (tx) => {
    const store = tx.objectStore<Order>("orders");
    // @ts-expect-error: there are no cursors in a transaction
    store.openCursor();
  });
  // @ts-expect-error: there is no such mode
  await db.transaction("orders", "write", () => 0);
}

/** For a function over any store. */
export function ids<T extends StoredRecord>(records: readonly T[]): string[] {
  return records.map(({ id }) => id);
}
