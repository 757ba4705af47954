// One of the many clients: does one thing after the other, chosen by chance, and tells the ledger what came of it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Seeded } from "../../support/seeded.ts";
import { type Budget, CallFailed, type CallLog } from "./call-log.ts";
import type { Connection } from "./connection.ts";
import type { Ledger } from "./ledger.ts";
import { lookAtOneMoment, walk } from "./looks.ts";
import { OwnRecords } from "./own-records.ts";
import { OwnTransactions } from "./own-transactions.ts";
import { readRegister, swapRegister, writeRegister } from "./registers.ts";

export interface Client {
  readonly name: string;
  readonly random: Seeded;
  readonly ledger: Ledger;
  readonly log: CallLog;
  /** Another one when the bridge was started again. */
  readonly connection: Connection;
  budget(): Budget;
}

/** What a call has by default, in milliseconds: more than any part takes to come back. */
const USUAL_MS = 5_000;
/** One in so many calls has next to no time, so that deadlines pass, too. */
const HURRIED = 0.08;
const HURRIED_MS = [5, 300] as const;

export function budget(random: Seeded, keptBy: Budget["keptBy"]): Budget {
  return { ms: random.chance(HURRIED) ? random.integer(...HURRIED_MS) : USUAL_MS, keptBy };
}

/** Works until `isOver`. Rejects with what is no failed call: a fault of the test. */
export async function work(client: Client, isOver: () => boolean): Promise<void> {
  const records = new OwnRecords(client);
  const transactions = new OwnTransactions(client);
  const actions = {
    record: () => records.act(),
    transaction: () => transactions.act(),
    walk: () => walk(client),
    moment: () => lookAtOneMoment(client),
    read: () => readRegister(client),
    write: () => writeRegister(client),
    swap: () => swapRegister(client),
  };
  while (!isOver()) {
    const action = client.random.weighted({
      record: 25,
      transaction: 15,
      walk: 4,
      moment: 4,
      read: 25,
      write: 17,
      swap: 6,
    });
    try {
      await actions[action]();
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      // As a caller that tries again does it: not at once, and not all together.
      await sleep(client.random.integer(5, 100));
    }
  }
}
