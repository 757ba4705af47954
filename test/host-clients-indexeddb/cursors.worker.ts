// Scenarios for the cursors of host.indexedDB.
import { CursorDirection, type IndexedDB, KeyRange } from "../../src/worker/index.ts";
import { type Scenario, thrownBy } from "../support/scenarios.ts";

interface Item {
  readonly id: string;
  readonly status: string;
  readonly rank?: number;
  readonly seen?: number;
}

async function seeded(db: IndexedDB, name: string) {
  await db.createObjectStore(name, {
    indexes: [
      { name: "by_status", keyPath: ["status"] },
      { name: "by_status_rank", keyPath: ["status", "rank"] },
      { name: "by_rank", keyPath: ["rank"], unique: true },
    ],
  });
  const store = db.objectStore<Item>(name);
  await store.put({ id: "a", status: "active", rank: 4 });
  await store.put({ id: "b", status: "idle", rank: 3 });
  await store.put({ id: "c", status: "active", rank: 2 });
  await store.put({ id: "d", status: "active", rank: 1 });
  return store;
}

/** What a walk visits. */
async function visited(cursor: AsyncIterable<{ readonly key: unknown; readonly primaryKey: string }>) {
  const steps: [unknown, string][] = [];
  for await (const { key, primaryKey } of cursor) steps.push([key, primaryKey]);
  return steps;
}

export const walks: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "walks");
  const status = store.index("by_status");
  return {
    next: await visited(store.openCursor()),
    prev: await visited(store.openKeyCursor({ direction: "prev" })),
    range: await visited(store.openCursor({ range: KeyRange.bound("b", "d", true) })),
    unique: await visited(store.openCursor({ direction: CursorDirection.NextUnique })),
    index: await visited(status.openCursor()),
    indexPrev: await visited(status.openCursor({ direction: CursorDirection.Prev })),
    nextUnique: await visited(status.openCursor({ direction: CursorDirection.NextUnique })),
    prevUnique: await visited(status.openKeyCursor({ direction: CursorDirection.PrevUnique })),
    indexRange: await visited(status.openCursor({ range: KeyRange.only("idle") })),
    values: await visited(
      store.index("by_status_rank").openCursor({ values: ["active"], range: { lower: ["active", 2] } }),
    ),
    empty: await visited(store.openCursor({ range: KeyRange.lowerBound("e") })),
  };
};

export const values: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "values");
  const cursor = store.openCursor({ direction: "prev" });
  const before = { key: await thrownBy(() => cursor.key), done: cursor.done };
  const moved = await cursor.continue();
  const on = { value: cursor.value, key: cursor.key, primaryKey: cursor.primaryKey, done: cursor.done };
  cursor.close();
  const keys = store.openKeyCursor();
  await keys.continue();
  const keyOnly = await thrownBy(() => (keys as unknown as { value: unknown }).value);
  keys.close();
  return { before, moved, on, keyOnly, after: await thrownBy(() => cursor.value) };
};

/** The turns of a loop, led by the author. */
export const steps: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "steps");
  const led: string[] = [];
  for await (const cursor of store.openCursor()) {
    led.push(cursor.key);
    if (cursor.key === "a") cursor.continue("bb");
    if (cursor.key === "c") await cursor.advance(1);
  }
  const advanced: string[] = [];
  for await (const cursor of store.openCursor()) {
    advanced.push(cursor.key);
    cursor.advance(2);
  }
  const manual: string[] = [];
  const cursor = store.index("by_rank").openCursor();
  while (await cursor.continue()) {
    manual.push(cursor.primaryKey);
    if (cursor.primaryKey === "d") await cursor.continueToKey([3]);
  }
  const back: number[] = [];
  for await (const { key } of reversed(store.index("by_rank").openKeyCursor({ direction: "prev" })))
    back.push(key[0] as number);
  return { led, advanced, manual, back, over: [await cursor.continue(), await cursor.advance(3), cursor.done] };
};

/** A walk that starts in the middle. */
function reversed<C extends { continue(key: number): Promise<boolean> }>(cursor: C): C {
  cursor.continue(3);
  return cursor;
}

export const writes: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "writes");
  const seen: unknown[] = [];
  for await (const cursor of store.index("by_status").openCursor({ values: ["active"] })) {
    if (cursor.primaryKey === "c") await cursor.delete();
    else await cursor.update({ ...cursor.value, seen: 1 });
    seen.push(cursor.primaryKey, cursor.value.seen ?? null);
  }
  const cursor = store.openKeyCursor();
  await cursor.continue();
  await cursor.update({ status: "by key" } as never);
  await cursor.delete();
  cursor.close();
  return { seen, all: await store.getAll() };
};

export const errors: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "errors");
  const fresh = store.openCursor();
  const onNothing = [await thrownBy(() => fresh.update({ status: "x" })), await thrownBy(() => fresh.delete())];
  const stillGood = await fresh.continue();
  const behind = await thrownBy(() => fresh.continue("a"));
  const afterwards = await thrownBy(() => fresh.continue());
  const unique = store.openCursor();
  await unique.advance(2);
  const conflict = await thrownBy(() => unique.update({ status: "idle", rank: 4 }));
  const kept = store.openCursor();
  await kept.continue();
  const refused = [
    await thrownBy(() => kept.update({ id: "z", status: "x" })),
    await thrownBy(() => kept.update({ status: (() => 1) as never })),
    await thrownBy(() => kept.advance(0)),
    await thrownBy(() => kept.continue({} as never)),
    await thrownBy(() => store.openCursor({ direction: "up" as never })),
  ];
  const alive = [await kept.continue(), kept.key];
  kept.close();
  kept.close();
  return {
    onNothing,
    stillGood,
    behind,
    afterwards: afterwards.message,
    conflict,
    refused,
    alive,
    closed: await thrownBy(() => kept.continue()),
    store: await thrownBy(() => db.objectStore("nowhere").openCursor().continue()),
    index: await thrownBy(() => store.index("nothing").openCursor().continue()),
  };
};

/** Author code that does not wait: what it asked for happens in that order. */
export const concurrent: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "concurrent");
  const cursor = store.openCursor();
  const answers = await Promise.all([
    cursor.continue(),
    cursor.update({ status: "first" }),
    cursor.continue(),
    cursor.update({ status: "second" }),
    cursor.advance(1),
    cursor.delete(),
  ]);
  cursor.close();
  return { answers, left: (await store.getAll()).map(({ id, status }) => [id, status]) };
};

/** Every way to leave a walk. gestaltd's end must not stay open, though the request stays at work until it is told to go. */
export const leaves: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "leaves");
  for await (const _ of store.openCursor()) break;
  const thrown = await thrownBy(async () => {
    for await (const _ of store.openCursor()) throw new RangeError("mine");
  });
  for await (const cursor of store.openCursor()) {
    cursor.continue("d");
    break;
  }
  const giveUp = new AbortController();
  const aborted = await thrownBy(async () => {
    for await (const _ of store.openCursor({ signal: giveUp.signal })) giveUp.abort();
  });
  store.openCursor();
  const never = store.openCursor();
  never.close();
  // A write that waits, so that it is on its way.
  const inFlight = store.openCursor();
  await inFlight.continue();
  const given = await indexedDB().transaction("leaves", "readwrite", async () => {
    const update = thrownBy(() => inFlight.update({ status: "never" }));
    await store.count();
    inFlight.close();
    return update;
  });
  const marks = await marksOf(indexedDB());
  await marks.put({ id: "left" });
  while (!(await marks.getAllKeys()).includes("go")) await scheduler.wait(5);
  return { thrown, aborted, never: await thrownBy(() => never.continue()), given };
};

export const hasLeft: Scenario = async ({ indexedDB }) =>
  (await (await marksOf(indexedDB())).getAllKeys()).includes("left");

export const go: Scenario = async ({ indexedDB }) => (await marksOf(indexedDB())).put({ id: "go" });

async function marksOf(db: IndexedDB) {
  await db.createObjectStore("marks");
  return db.objectStore("marks");
}

/** Left for the request's own end to close. */
export const forgotten: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "forgotten");
  const cursor = store.openCursor();
  await cursor.continue();
  return cursor.key;
};

export const snapshot: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "snapshot");
  const keys: string[] = [];
  for await (const { key } of store.openKeyCursor()) {
    keys.push(key);
    await store.put({ id: `${key}${key}`, status: "new" });
  }
  return { keys, count: await store.count() };
};
