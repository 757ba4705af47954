// A database by way of gestaltd: values of every kind, indexes, cursors that write, transactions that do not.
import { AlreadyExistsError, type IndexedDB, KeyRange, NotFoundError, TransactionError } from "gestalt-edge";

const SCHEMA = { indexes: [{ name: "by_owner", keyPath: ["owner", "rank"] }] };
const COUNT = 6;

export async function useDatabase(database: IndexedDB) {
  await database.createObjectStore("things", SCHEMA);
  const things = database.objectStore("things");
  await things.clear();
  for (let rank = 0; rank < COUNT; rank++) {
    await things.put({ id: `t${rank}`, owner: rank % 2 === 0 ? "ada" : "bob", rank });
  }
  const at = new Date("2026-01-02T03:04:05.678Z");
  const rich = { id: "rich", big: 2n ** 62n, half: 0.5, at, bytes: new Uint8Array([0, 255]), list: [1, "x"], no: null };
  await things.add(rich);
  const back = await things.get("rich");

  const walked: string[] = [];
  for await (const cursor of things.index("by_owner").openCursor({ values: ["ada"], direction: "prev" })) {
    walked.push(cursor.primaryKey);
    if (cursor.primaryKey === "t4") await cursor.update({ ...cursor.value, seen: true });
    if (cursor.primaryKey === "t2") await cursor.delete();
  }
  const rolledBack = await database
    .transaction("things", "readwrite", async (transaction) => {
      await transaction.objectStore("things").put({ id: "t9", owner: "eve" });
      throw new RangeError("on second thoughts");
    })
    .catch((error: unknown) => error instanceof RangeError);
  const readonly = database.transaction("things", "readonly", (transaction) =>
    transaction.objectStore("things").delete("t0"),
  );
  return {
    walked,
    rich: `${back.big} ${back.half} ${(back.at as Date).toISOString()} ${back.bytes} ${JSON.stringify(back.list)}`,
    seen: (await things.get("t4")).seen,
    keys: await things.getAllKeys(KeyRange.bound("t0", "t9")),
    bobs: await things.index("by_owner").count("bob"),
    rolledBack,
    errors: [
      await nameOf(things.add({ id: "t0" }), AlreadyExistsError),
      await nameOf(things.get("t9"), NotFoundError),
      await nameOf(readonly, TransactionError),
    ],
  };
}

async function nameOf(call: Promise<unknown>, type: new (...parameters: never[]) => Error): Promise<string> {
  const error = await call.catch((thrown: unknown) => thrown);
  return error instanceof type ? type.name : String(error);
}
