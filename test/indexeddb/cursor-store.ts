// A store of six records for tests of cursors, with what opens cursors on it and walks through it.
import assert from "node:assert/strict";
import { before } from "node:test";
import { record, type TestContext, type TestDatabase } from "./databases.ts";
import type { CursorClient } from "./stream-client.ts";

/** As the protocol numbers them. */
export const DIRECTIONS = { next: 0, nextunique: 1, prev: 2, prevunique: 3 } as const;
export type Direction = keyof typeof DIRECTIONS;
export type CursorInit = Parameters<TestDatabase["cursor"]>[0];

/** Creates the store `s` with its indexes before the tests; each begins with `reset`. */
export function cursorStore(on: TestContext) {
  before(async () => {
    const indexes = [
      { name: "by_n", keyPath: ["n"] },
      { name: "by_nm", keyPath: ["n", "m"] },
      { name: "by_mail", keyPath: ["mail"], unique: true },
    ];
    await on.db.client.createObjectStore({ name: "s", schema: { indexes } });
  });
  const open = (init: Partial<CursorInit> = {}) => on.db.cursor({ store: "s", ...init } as CursorInit);
  return {
    open,
    async reset() {
      await on.db.client.clear({ store: "s" });
      for (const [id, n, m] of [
        ["a", 1n, "x"],
        ["b", 2n, "y"],
        ["c", 2n, "x"],
        ["d", 3n, "x"],
        ["e", 3n, "z"],
      ] as const) {
        await on.db.client.put({ store: "s", record: record(id, { n, m, mail: `${id}@x` }) });
      }
      await on.db.client.put({ store: "s", record: record("f", { m: "only" }) });
    },
    /** Primary keys in walking order. */
    async walk(init: Partial<CursorInit> = {}): Promise<string[]> {
      const cursor = await open(init);
      const ids = await walked(cursor);
      assert.equal(await cursor.next(), true, "the end stays the end");
      cursor.close();
      return ids;
    },
  };
}

/** Primary keys of what is left of a walk. */
export async function walked(cursor: CursorClient): Promise<string[]> {
  const ids: string[] = [];
  for (let step = await cursor.next(); typeof step === "object"; step = await cursor.next()) ids.push(step.primaryKey);
  return ids;
}

/** Primary key of the entry that a step came to; a boolean is `done`. */
export function place(step: Awaited<ReturnType<CursorClient["next"]>>): string | boolean | undefined {
  return typeof step === "object" ? step.primaryKey : step;
}
