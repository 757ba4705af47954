// An object that ends in the middle of a call: its caller hears UNAVAILABLE and what to do, each method of it. Reads are tried again
// by themselves; writes never, since the first try may have been carried out.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Client, Code } from "@connectrpc/connect";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { eventually } from "../support/eventually.ts";
import { refused } from "../support/refused.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";
import { idsOf, record, typed } from "./databases.ts";
import { CursorClient, TransactionClient } from "./stream-client.ts";

const CLAIMS = { provider: "db" };
const store = "s";
const gone = refused(Code.Unavailable, /^The database did not answer\. Try again\.$/);

describe("an IndexedDB object that ends in the middle", { timeout: 60_000 }, () => {
  let worker: TestWorker;
  let client: Client<typeof IndexedDB>;

  before(async () => {
    worker = await startWorker({
      entry: new URL("./object-death.worker.ts", import.meta.url),
      durableObjects: { INDEXEDDB_OBJECT: { className: "MortalObject", useSQLite: true } },
    });
    client = worker.client(IndexedDB, CLAIMS);
  });
  after(() => worker?.dispose());

  const control = async (name: string): Promise<unknown> => (await worker.fetch(`/test/${name}`)).json();
  const calls = async () => (await control("calls")) as Record<string, number>;

  beforeEach(async () => {
    await client.deleteObjectStore({ name: store });
    await client.createObjectStore({ name: store, schema: { indexes: [{ name: "by_n", keyPath: ["n"] }] } });
    for (let n = 1; n <= 20; n++) {
      await client.add({ store, record: record(`r${String(n).padStart(2, "0")}`, { n: BigInt(n) }) });
    }
  });

  const query = { store, index: "by_n", values: [typed(1n)] };

  const writes: Readonly<Record<string, () => Promise<unknown>>> = {
    add: () => client.add({ store, record: record("new") }),
    put: () => client.put({ store, record: record("new") }),
    delete: () => client.delete({ store, id: "r01" }),
    clear: () => client.clear({ store }),
    deleteRange: () => client.deleteRange({ store, range: { upper: typed("r05") } }),
    indexDelete: () => client.indexDelete(query),
    deleteObjectStore: () => client.deleteObjectStore({ name: store }),
  };

  for (const [method, write] of Object.entries(writes)) {
    it(`answers ${method} with UNAVAILABLE, and has it once`, async () => {
      await control("die-next");
      await assert.rejects(write(), gone);
      assert.deepEqual(Object.values(await calls()), [1]);
    });
  }

  it("does not undo what others have written since the answer was lost", async () => {
    await control("die-next");
    await assert.rejects(client.put({ store, record: record("r01", { n: 100n }) }), gone);
    const { record: lost } = await client.get({ store, id: "r01" });
    assert.equal(lost?.fields.n?.kind.value, 100n, "it was carried out");
    await client.put({ store, record: record("r01", { n: 200n }) });
    assert.equal((await client.get({ store, id: "r01" })).record?.fields.n?.kind.value, 200n);
  });

  it("is asked again for what only reads, and for stores to be made", async () => {
    const reads: Readonly<Record<string, () => Promise<unknown>>> = {
      get: () => client.get({ store, id: "r01" }),
      getKey: () => client.getKey({ store, id: "r01" }),
      getAll: async () => assert.equal(idsOf((await client.getAll({ store })).records).length, 20),
      getAllKeys: () => client.getAllKeys({ store }),
      count: () => client.count({ store }),
      indexGet: () => client.indexGet(query),
      indexGetKey: () => client.indexGetKey(query),
      indexGetAll: () => client.indexGetAll(query),
      indexGetAllKeys: () => client.indexGetAllKeys(query),
      indexCount: () => client.indexCount(query),
      createObjectStore: () => client.createObjectStore({ name: store }),
      openCursor: async () => (await CursorClient.open(worker, CLAIMS, { store })).close(),
    };
    for (const read of Object.values(reads)) {
      await control("die-next");
      await read();
      assert.deepEqual(Object.values(await calls()), [2], read.name);
    }
  });

  it("ends a cursor at its next step beyond what was read ahead, and at a write", async () => {
    const open = () => CursorClient.open(worker, CLAIMS, { store });
    const walking = await open();
    await walking.next();
    await control("die");
    await assert.rejects(async () => {
      while ((await walking.next()) !== true);
    }, gone);
    const writing = await open();
    await writing.next();
    await control("die-next");
    await assert.rejects(writing.command({ case: "update", value: record("r01", { n: 3n }) }), gone);
    assert.equal((await (await open()).next()) !== true, true);
  });

  it("ends a transaction, at whichever step: nothing of it is there", async () => {
    const begin = () => TransactionClient.begin(worker, CLAIMS, [store]);
    const put = (id: string) => ({ case: "put", value: { store, record: record(id) } }) as const;
    const steps: Readonly<Record<string, (transaction: TransactionClient) => Promise<unknown>>> = {
      get: (transaction) => transaction.operate({ case: "get", value: { store, id: "r01" } }),
      put: (transaction) => transaction.operate(put("y")),
      getAll: (transaction) => transaction.operate({ case: "getAll", value: { store } }),
      count: (transaction) => transaction.operate({ case: "count", value: { store } }),
      delete: (transaction) => transaction.operate({ case: "delete", value: { store, id: "r01" } }),
      commit: (transaction) => transaction.commit(),
    };
    for (const [name, step] of Object.entries(steps)) {
      const transaction = await begin();
      await transaction.operate(put("x"));
      await control("die");
      await assert.rejects(step(transaction), gone, name);
    }
    assert.equal((await client.count({ store, range: { lower: typed("x") } })).count, 0n);
    const next = await begin();
    await next.operate(put("x"));
    await next.commit();
  });

  it("ends a transaction that waits for its turn", async () => {
    const before = (await calls()).transaction ?? 0;
    const first = await TransactionClient.begin(worker, CLAIMS, [store]);
    const second = await TransactionClient.connect(worker, CLAIMS);
    const told = assert.rejects(second.begin([store]), gone);
    await eventually(async () => assert.equal((await calls()).transaction, before + 2));
    // Another call there and back, for what the second one asks next.
    await client.get({ store, id: "r01" });
    await control("die");
    await told;
    await assert.rejects(first.commit(), gone);
  });
});
