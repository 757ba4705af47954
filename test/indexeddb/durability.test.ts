// Many writers, and an object that fails in between: what was acknowledged stays, and nothing is half there.
import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { describeObjects, record } from "./databases.ts";
import type { TransactionClient } from "./stream-client.ts";

const CLIENTS = 12;
const ROUNDS = 25;
const ACCOUNTS = 6;
const BALANCE = 100n;
const FAILURES = 8;

describeObjects("under failures", (on) => {
  it("keeps what it has acknowledged, and the sum of all accounts", { timeout: 60_000 }, async () => {
    const db = on.databases.database("objects");
    const { client } = db;
    const schema = { indexes: [{ name: "by_client", keyPath: ["client", "round"], unique: true }] };
    for (const name of ["accounts", "log"]) await client.createObjectStore({ name, schema });
    const accounts = Array.from({ length: ACCOUNTS }, (_, at) => `account-${at}`);
    for (const id of accounts) await client.put({ store: "accounts", record: record(id, { balance: BALANCE }) });
    const acknowledged: string[] = [];

    const transfer = async (
      transaction: TransactionClient,
      [from = "", to = ""]: readonly string[],
      entry: string,
      at: bigint[],
    ) => {
      for (const [id, amount] of [
        [from, -1n],
        [to, 1n],
      ] as const) {
        const got = await transaction.operate({ case: "get", value: { store: "accounts", id } });
        const balance = got.case === "record" ? got.value.record?.fields.balance?.kind.value : undefined;
        assert.equal(typeof balance, "bigint");
        const next = record(id, { balance: (balance as bigint) + amount });
        await transaction.operate({ case: "put", value: { store: "accounts", record: next } });
      }
      const [who = 0n, round = 0n] = at;
      await transaction.operate({
        case: "add",
        value: { store: "log", record: record(entry, { client: who, round }) },
      });
      await transaction.commit();
    };

    const work = async (who: number) => {
      for (let round = 0; round < ROUNDS; round++) {
        const pair = [accounts[(who + round) % ACCOUNTS] ?? "", accounts[(who + 2 * round + 1) % ACCOUNTS] ?? ""];
        if (pair[0] === pair[1]) continue;
        const entry = `${who}-${round}`;
        try {
          await transfer(await db.begin(["accounts", "log"]), pair, entry, [BigInt(who), BigInt(round)]);
          acknowledged.push(entry);
        } catch (error) {
          assert.ok(error instanceof ConnectError, String(error));
        }
      }
    };

    let working = true;
    const failing = (async () => {
      for (let times = 0; working && times < FAILURES; times++) {
        // Only spaces the failures out: nothing waits for a state here.
        await sleep(50);
        await on.databases.control("fail", db.objectName);
      }
    })();
    await Promise.all(Array.from({ length: CLIENTS }, (_, who) => work(who)));
    working = false;
    await failing;

    const { records } = await client.getAll({ store: "accounts" });
    const sum = records.reduce((total, { fields }) => total + (fields.balance?.kind.value as bigint), 0n);
    assert.equal(sum, BALANCE * BigInt(ACCOUNTS));
    const { keys } = await client.getAllKeys({ store: "log" });
    const missing = acknowledged.filter((entry) => !keys.includes(entry));
    assert.deepEqual(missing, []);
    assert.ok(acknowledged.length > 0);
    // An answer may be lost after a commit; nothing else may be there that was not acknowledged.
    assert.ok(keys.length - acknowledged.length <= FAILURES * CLIENTS);
    assert.equal((await client.indexCount({ store: "log", index: "by_client" })).count, BigInt(keys.length));
  });
});
