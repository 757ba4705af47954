// Single records that all clients read and write, with a history of who saw what.
import { IndexedDB } from "../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { Record as WireRecord } from "../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { record } from "../../indexeddb/databases.ts";
import type { Client } from "./client.ts";
import { TransactionCall } from "./transaction-call.ts";

export const REGISTERS = "registers";
/** Few enough that clients meet there. Each is there from the beginning, with the value FIRST. */
export const REGISTER_NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;
export const FIRST = "first";

export function registerRecord(name: string, value: string): WireRecord {
  return record(name, { value });
}

export async function readRegister(client: Client, name: string = client.random.pick(REGISTER_NAMES)): Promise<void> {
  const { connection, ledger } = client;
  await ledger.register(name, undefined, async () => {
    const got = await connection.unary(IndexedDB.method.get, { store: REGISTERS, id: name }, client.budget());
    return textOf(got.record);
  });
}

export async function writeRegister(client: Client): Promise<void> {
  const { connection, ledger } = client;
  const name = client.random.pick(REGISTER_NAMES);
  const value = nextValue(client);
  await ledger.register(name, value, async () => {
    const request = { store: REGISTERS, record: registerRecord(name, value) };
    await connection.unary(IndexedDB.method.put, request, client.budget());
    return undefined;
  });
}

/** Reads and writes in one transaction, between which nobody else may come. */
export async function swapRegister(client: Client): Promise<void> {
  const { connection, ledger, log } = client;
  const name = client.random.pick(REGISTER_NAMES);
  const value = nextValue(client);
  let asked = false;
  const swap = async () => {
    const call = await TransactionCall.begin(connection, log, client.budget(), [REGISTERS]);
    const got = await call.operate({ case: "get", value: { store: REGISTERS, id: name } });
    await call.operate({ case: "put", value: { store: REGISTERS, record: registerRecord(name, value) } });
    asked = true;
    await call.commit();
    return got.case === "record" ? textOf(got.value.record) : null;
  };
  await ledger.register(name, value, swap, () => asked);
}

/** One that nobody else writes. */
function nextValue({ ledger, name }: Client): string {
  return `${name}@${ledger.now()}`;
}

function textOf(found: WireRecord | undefined): string | null {
  const kind = found?.fields.value?.kind;
  return kind?.case === "stringValue" ? kind.value : null;
}
