// Looking at what others' transactions have put there: none may be half there, not even for a moment.
import { create } from "@bufbuild/protobuf";
import { CursorCommandSchema } from "../../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import { IndexedDB } from "../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { TransactionMode } from "../../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import type { Record as WireRecord } from "../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { typed } from "../../indexeddb/databases.ts";
import type { Client } from "./client.ts";
import type { FoundRow, RowsOfTransaction } from "./ledger.ts";
import { ROW_STORES } from "./own-transactions.ts";
import { TransactionCall } from "./transaction-call.ts";

/** Transactions of another client that one look takes in. */
const LOOKED_AT = 12;

/** Through one store, step by step. */
export async function walk(client: Client): Promise<void> {
  const { connection, ledger, random } = client;
  const store = random.pick(ROW_STORES);
  const looked = recent(client);
  if (looked === undefined) return;
  const expected = committed(looked.transactions);
  const stream = await connection.stream(IndexedDB.method.openCursor, client.budget());
  await stream.ask({ msg: { case: "open", value: { store, range: looked.range } } });
  const found: FoundRow[] = [];
  const next = create(CursorCommandSchema, { command: { case: "next", value: true } });
  for (;;) {
    const { result } = await stream.ask({ msg: { case: "command", value: next } });
    if (result.case !== "entry") break;
    found.push(rowOf(store, result.value.record));
  }
  await stream.end();
  ledger.foundRows(found, [store], expected);
}

/** At all stores, in a readonly transaction. */
export async function lookAtOneMoment(client: Client): Promise<void> {
  const { connection, ledger, log } = client;
  const looked = recent(client);
  if (looked === undefined) return;
  const expected = committed(looked.transactions);
  const mode = TransactionMode.TRANSACTION_READONLY;
  const call = await TransactionCall.begin(connection, log, client.budget(), [...ROW_STORES], mode);
  const found: FoundRow[] = [];
  for (const store of ROW_STORES) {
    const got = await call.operate({ case: "getAll", value: { store, range: looked.range } });
    if (got.case === "records") found.push(...got.value.records.map((record) => rowOf(store, record)));
  }
  await call.commit();
  ledger.foundRows(found, ROW_STORES, expected);
}

export function rowOf(store: string, record: WireRecord | undefined): FoundRow {
  const text = (field: string) => {
    const kind = record?.fields[field]?.kind;
    return kind?.case === "stringValue" ? kind.value : "";
  };
  return { store, key: text("id"), transaction: text("transaction") };
}

/** The last transactions of one of the clients, and the range their rows lie in. */
function recent({ ledger, random }: Client) {
  const transactions = ledger.lastTransactions(random, LOOKED_AT);
  const first = transactions[0];
  if (first === undefined) return undefined;
  const [owner = ""] = first.id.split("/");
  return { transactions, range: { lower: typed(first.id), upper: typed(`${owner}/~`) } };
}

function committed(transactions: readonly RowsOfTransaction[]): RowsOfTransaction[] {
  return transactions.filter(({ outcome }) => outcome === "committed");
}
