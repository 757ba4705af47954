// Scenarios for the transactions of host.indexedDB.
import { type IndexedDB, KeyRange, type Transaction } from "../../src/worker/index.ts";
import { type Scenario, thrownBy } from "../support/scenarios.ts";

interface Account {
  readonly id: string;
  readonly balance: number;
  readonly tier?: string;
}

async function seeded(db: IndexedDB, name: string) {
  await db.createObjectStore(name, { indexes: [{ name: "by_tier", keyPath: ["tier", "balance"] }] });
  const store = db.objectStore<Account>(name);
  await store.put({ id: "a", balance: 100, tier: "gold" });
  await store.put({ id: "b", balance: 20, tier: "gold" });
  return store;
}

const balances = async (store: { getAll(): Promise<Account[]> }) =>
  (await store.getAll()).map(({ id, balance }) => [id, balance]);

export const commits: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "commits");
  const result = await db.transaction("commits", "readwrite", async (tx) => {
    const accounts = tx.objectStore<Account>("commits");
    const from = await accounts.get("a");
    await accounts.put({ ...from, balance: from.balance - 30 });
    await accounts.put({ ...(await accounts.get("b")), balance: 50 });
    return { inside: await balances(accounts), outside: await balances(store) };
  });
  return { ...result, after: await balances(store) };
};

/** Each of the sixteen operations. */
export const operations: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "operations");
  const options = { durabilityHint: "strict" } as const;
  return db.transaction(
    ["operations"],
    "readwrite",
    async (tx) => {
      const accounts = tx.objectStore<Account>("operations");
      const tier = accounts.index("by_tier");
      await accounts.add({ id: "c", balance: 5, tier: "iron" });
      await accounts.put({ id: "d", balance: 6, tier: "iron" });
      const read = {
        get: await accounts.get("c"),
        getKey: await accounts.getKey("d"),
        getAll: (await accounts.getAll(KeyRange.lowerBound("c"))).length,
        getAllKeys: await accounts.getAllKeys(),
        count: await accounts.count(KeyRange.only("x")),
        indexGet: (await tier.get("gold")).id,
        indexGetKey: await tier.getKey(["gold", 100]),
        indexGetAll: (await tier.getAll("iron")).map(({ id }) => id),
        indexGetAllKeys: await tier.getAllKeys({ range: { lower: "h" } }),
        indexCount: await tier.count({ values: ["gold"] }),
      };
      await accounts.delete("a");
      const deleteRange = await accounts.deleteRange({ upper: "b" });
      const indexDelete = await tier.delete("iron");
      await accounts.put({ id: "z", balance: 0 });
      await accounts.clear();
      return { ...read, deleteRange, indexDelete, left: await accounts.count(), outside: await store.count() };
    },
    options,
  );
};

export const rollsBack: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "rolls_back");
  const spend = async (tx: Transaction) => {
    const accounts = tx.objectStore<Account>("rolls_back");
    await accounts.put({ id: "a", balance: 0 });
    return accounts;
  };
  const thrown = await thrownBy(() =>
    db.transaction("rolls_back", "readwrite", async (tx) => {
      await spend(tx);
      throw new RangeError("overdrawn");
    }),
  );
  const aborted = await db.transaction("rolls_back", "readwrite", async (tx) => {
    await spend(tx);
    await tx.abort("changed my mind");
    await tx.abort();
    return "aborted";
  });
  const running = await thrownBy(() =>
    db.transaction("rolls_back", "readwrite", async (tx) => {
      const accounts = await spend(tx);
      accounts.clear().catch(() => {});
      throw new RangeError("while one runs");
    }),
  );
  const synchronously = await thrownBy(() =>
    db.transaction("rolls_back", "readwrite", () => {
      throw new RangeError("at once");
    }),
  );
  return {
    thrown,
    aborted,
    running: running.message,
    synchronously: synchronously.message,
    after: await balances(store),
  };
};

/** An operation that fails takes everything with it, whether its error is caught or not. */
export const failures: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "failures");
  let caught: unknown;
  let next: unknown;
  const miss = await thrownBy(() =>
    db.transaction("failures", "readwrite", async (tx) => {
      const accounts = tx.objectStore<Account>("failures");
      await accounts.put({ id: "a", balance: 0 });
      caught = await thrownBy(() => accounts.get("nobody"));
      next = await thrownBy(() => accounts.put({ id: "a", balance: 1 }));
    }),
  );
  const taken = await thrownBy(() =>
    db.transaction("failures", "readwrite", async (tx) => {
      const accounts = tx.objectStore<Account>("failures");
      const together = [
        accounts.clear(),
        accounts.add({ id: "x", balance: 1 }),
        accounts.add({ id: "x", balance: 1 }),
        accounts.clear(),
      ];
      const settled = await Promise.allSettled(together);
      next = [next, settled.map(({ status }) => status)];
      throw (settled[2] as PromiseRejectedResult).reason;
    }),
  );
  const readonly = await thrownBy(() =>
    db.transaction("failures", "readonly", (tx) => tx.objectStore<Account>("failures").put({ id: "a", balance: 0 })),
  );
  const dropped = await thrownBy(() =>
    db.transaction("failures", "readwrite", (tx) => {
      // Forgotten, so nobody hears of it but the transaction.
      tx.objectStore<Account>("failures")
        .get("nobody")
        .catch(() => {});
    }),
  );
  return { miss, caught, next, taken, readonly, dropped, after: await balances(store) };
};

export const refusals: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await seeded(db, "refusals");
  const inside = await db.transaction("refusals", "readwrite", async (tx) => {
    const accounts = tx.objectStore<Account>("refusals");
    const refused = [
      await thrownBy(() => tx.objectStore("another")),
      await thrownBy(() => accounts.put({ id: "a", balance: (() => 1) as never })),
      await thrownBy(() => accounts.deleteRange({})),
    ];
    // None of these was sent, so the transaction goes on.
    await accounts.put({ id: "c", balance: 1 });
    return refused;
  });
  return {
    inside,
    noStores: await thrownBy(() => db.transaction([], "readwrite", () => 0)),
    noStore: await thrownBy(() => db.transaction(["refusals", "nowhere"], "readwrite", () => 0)),
    mode: await thrownBy(() => db.transaction("refusals", "write" as never, () => 0)),
    count: await db.objectStore("refusals").count(),
  };
};

export const afterTheEnd: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "after_the_end");
  let leaked: Transaction | undefined;
  await db.transaction("after_the_end", "readwrite", (tx) => {
    leaked = tx;
  });
  const tx = leaked as Transaction;
  const accounts = tx.objectStore<Account>("after_the_end");
  const committed = await db.transaction("after_the_end", "readwrite", async (inner) => {
    const early = inner.objectStore<Account>("after_the_end");
    await early.put({ id: "a", balance: 1 });
    await inner.commit();
    return [await thrownBy(() => early.get("a")), await thrownBy(() => inner.commit())];
  });
  const notAwaited = await db.transaction("after_the_end", "readwrite", async (inner) => {
    inner.objectStore<Account>("after_the_end").put({ id: "b", balance: 2 });
    inner.commit();
    return "not awaited";
  });
  return {
    put: await thrownBy(() => accounts.put({ id: "a", balance: 9 })),
    commit: await thrownBy(() => tx.commit()),
    abort: (await tx.abort()) ?? null,
    committed,
    notAwaited,
    after: await balances(store),
  };
};

/** Calls that the author does not wait for run in the order they were made, and are part of the commit. */
export const concurrent: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "concurrent_tx");
  const order: string[] = [];
  const result = await db.transaction("concurrent_tx", "readwrite", async (tx) => {
    const accounts = tx.objectStore<Account>("concurrent_tx");
    const ids = Array.from({ length: 40 }, (_, at) => `n${String(at).padStart(2, "0")}`);
    const puts = ids.map((id) => accounts.put({ id, balance: 1 }).then(() => order.push(id)));
    const counts = await Promise.all([accounts.count(), ...puts, accounts.count()]);
    accounts.put({ id: "last", balance: 1 });
    return { counts: [counts[0], counts.at(-1)], inOrder: order.join() === ids.join() };
  });
  return { ...result, after: await store.count() };
};

/** Readwrite transactions whose stores overlap take turns; others do not wait for them. */
export const serializes: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "serial");
  await seeded(db, "serial_other");
  const events: string[] = [];
  const add = (name: string, stores: string[], meanwhile?: () => Promise<unknown>) =>
    db.transaction(stores, "readwrite", async (tx) => {
      events.push(`${name} begins`);
      const accounts = tx.objectStore<Account>("serial");
      const { balance } = await accounts.get("a");
      await meanwhile?.();
      await accounts.put({ id: "a", balance: balance + 1 });
      events.push(`${name} ends`);
    });
  let second: Promise<void> | undefined;
  await add("first", ["serial", "serial_other"], async () => {
    second = add("second", ["serial"]);
    await db.transaction("serial", "readonly", (tx) => tx.objectStore("serial").count());
    await db.objectStore("serial").get("a");
    events.push("reads went on");
  });
  await second;
  return { events, balance: (await store.get("a")).balance };
};

/** The signal or the time of the transaction, or of one operation of it. */
export const limits: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "tx_limits");
  const put = (tx: Transaction, limit = {}) => tx.objectStore<Account>("tx_limits").put({ id: "a", balance: 0 }, limit);
  const giveUp = new AbortController();
  const whole = await thrownBy(() =>
    db.transaction(
      "tx_limits",
      "readwrite",
      async (tx) => {
        await put(tx);
        giveUp.abort();
        await put(tx);
      },
      { signal: giveUp.signal },
    ),
  );
  const one = await thrownBy(() =>
    db.transaction("tx_limits", "readwrite", async (tx) => {
      await put(tx);
      await put(tx, { signal: AbortSignal.abort() }).catch(() => {});
    }),
  );
  const waiting = await db.transaction("tx_limits", "readwrite", () =>
    thrownBy(() => db.transaction("tx_limits", "readwrite", () => 0, { timeoutMs: 50 })),
  );
  return { whole, one, waiting, after: await balances(store) };
};

export const columns: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("tx_columns");
  return thrownBy(() =>
    db.transaction("tx_columns", "readwrite", (tx) =>
      tx.objectStore("tx_columns", { columns: [{ name: "n", type: 1 }] }).put({ id: "a", n: 0.5 }),
    ),
  );
};

/** A mistake that only a deadline ends: the write waits for the transaction it stands in. */
export const waitsForItself: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "waits_for_itself");
  return db.transaction("waits_for_itself", "readwrite", () => store.put({ id: "a", balance: 0 }));
};

/** A transaction, a cursor and a plain call that are all on their way when gestaltd goes. */
export const caughtInFlight: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const store = await seeded(db, "caught");
  const cursor = store.openCursor();
  await cursor.continue();
  let [step, inside, call]: (string | undefined)[] = [];
  const transaction = await thrownBy(() =>
    db.transaction("caught", "readwrite", async (tx) => {
      await tx.objectStore<Account>("caught").put({ id: "b", balance: 0 });
      // Both wait for the transaction; whether they take effect when it is gone, nobody can say.
      const waiting = [thrownBy(() => cursor.update({ balance: 100 })), thrownBy(() => store.delete("nobody"))];
      [step, call] = (await Promise.all(waiting)).map(({ name }) => name);
      inside = (await thrownBy(() => tx.objectStore("caught").count())).name;
      return "never";
    }),
  );
  return { step, inside, call, transaction: transaction.name };
};

export const afterwards: Scenario = ({ indexedDB }) => balances(indexedDB().objectStore<Account>("caught"));

/** Many at once, each with its own place. */
export const manyAtOnce: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const names = Array.from({ length: 12 }, (_, at) => `many_${at}`);
  const walks = names.map(async (name, at) => {
    await db.createObjectStore(name);
    const ids = Array.from({ length: at }, (_, n) => `${name}/${String(n).padStart(2, "0")}`);
    await db.transaction(name, "readwrite", (tx) => Promise.all(ids.map((id) => tx.objectStore(name).add({ id }))));
    const seen: string[] = [];
    for await (const { key } of db.objectStore(name).openKeyCursor()) seen.push(key);
    return seen.join() === ids.join();
  });
  return (await Promise.all(walks)).filter(Boolean).length;
};
