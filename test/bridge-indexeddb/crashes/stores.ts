// The stores of the run: made before it, and read whole after it.
import { IndexedDB } from "../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { Record as WireRecord } from "../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { record } from "../../indexeddb/databases.ts";
import type { Budget } from "./call-log.ts";
import type { Client } from "./client.ts";
import type { Ledger } from "./ledger.ts";
import { rowOf } from "./looks.ts";
import { numberIn, RECORDS } from "./own-records.ts";
import { COUNTER, COUNTERS, ROW_STORES } from "./own-transactions.ts";
import { FIRST, REGISTER_NAMES, REGISTERS, readRegister, registerRecord } from "./registers.ts";

/** For what is not part of the test. */
const UNHURRIED: Budget = { ms: 30_000, keptBy: "client" };

export async function makeStores({ connection }: Client): Promise<void> {
  for (const name of [RECORDS, REGISTERS, COUNTERS, ...ROW_STORES]) {
    await connection.unary(IndexedDB.method.createObjectStore, { name }, UNHURRIED);
  }
  for (const name of REGISTER_NAMES) {
    const request = { store: REGISTERS, record: registerRecord(name, FIRST) };
    await connection.unary(IndexedDB.method.put, request, UNHURRIED);
  }
  const zero = { store: COUNTERS, record: record(COUNTER, { value: 0n }) };
  await connection.unary(IndexedDB.method.put, zero, UNHURRIED);
}

/** Nobody else is at work any more. What is found must be what the ledger says. */
export async function lookAtTheEnd(client: Client, ledger: Ledger): Promise<void> {
  const records = new Map<string, bigint>();
  for await (const found of all(client, RECORDS)) {
    const id = found.fields.id?.kind.value;
    records.set(String(id), numberIn(found) ?? -1n);
  }
  ledger.foundAllRecords(records);

  const rows = [];
  for (const store of ROW_STORES) for await (const found of all(client, store)) rows.push(rowOf(store, found));
  ledger.foundRows(rows, ROW_STORES, ledger.committed());

  const request = { store: COUNTERS, id: COUNTER };
  const counter = await client.connection.unary(IndexedDB.method.get, request, UNHURRIED);
  ledger.foundCounter(numberIn(counter.record) ?? -1n, rows);

  for (const name of REGISTER_NAMES) await readRegister({ ...client, budget: () => UNHURRIED }, name);
  ledger.checkRegisters();
}

/** All of a store, by one cursor. */
async function* all({ connection }: Client, store: string): AsyncGenerator<WireRecord> {
  const stream = await connection.stream(IndexedDB.method.openCursor, { ms: 120_000, keptBy: "client" });
  await stream.ask({ msg: { case: "open", value: { store } } });
  for (;;) {
    const { result } = await stream.ask({
      msg: { case: "command", value: { command: { case: "next", value: true } } },
    });
    if (result.case !== "entry" || result.value.record === undefined) break;
    yield result.value.record;
  }
  await stream.end();
}
