// The other side of the differential test: the steps carried out on the provider, as a caller would.
import { Code, ConnectError } from "@connectrpc/connect";
import type { CursorDirection } from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import type { KeyValue, Record as WireRecord } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { decodeKeyValue } from "../../src/worker/host/indexeddb/keys.ts";
import { decodeRecord } from "../../src/worker/host/indexeddb/records.ts";
import { json, record, type TestDatabase, time, typed, type Value } from "./databases.ts";
import { failure, type Outcome, plainKey, plainRecord, type Trace } from "./differential-outcome.ts";
import {
  DIRECTIONS,
  type Field,
  type IndexBound,
  type IndexName,
  type Operation,
  type Range,
  type Row,
  type Step,
  type Walk,
} from "./differential-steps.ts";
import type { CursorClient, TransactionClient } from "./stream-client.ts";

/** Which index is meant, by the schema that is in force. */
export type IndexAt = (store: number, at: number) => IndexName | undefined;

export class Subject {
  readonly #db: TestDatabase;
  readonly #indexAt: IndexAt;

  constructor(db: TestDatabase, indexAt: IndexAt) {
    this.#db = db;
    this.#indexAt = indexAt;
  }

  async perform(step: Step): Promise<Trace> {
    switch (step.step) {
      case "schema": {
        const indexes = step.indexes.map(({ keyPath, ...index }) => ({ ...index, keyPath: [...keyPath] }));
        return [
          await outcomeOf(() => this.#db.client.createObjectStore({ name: String(step.store), schema: { indexes } })),
        ];
      }
      case "unary":
        return [await this.#unary(step.store, step.operation)];
      case "transaction":
        return this.#transaction(step.operations, step.end);
      case "walk":
        return this.#walk(step);
    }
  }

  #unary(store: number, operation: Operation): Promise<Outcome> {
    const { client } = this.#db;
    const call = client[operation.op] as (request: object) => Promise<object>;
    return outcomeOf(() => call(this.#request(store, operation)));
  }

  async #transaction(
    operations: readonly { readonly store: number; readonly operation: Operation }[],
    end: "commit" | "abort",
  ): Promise<Trace> {
    const transaction = await this.#db.begin(["0", "1"]);
    const trace: Outcome[] = [];
    for (const { store, operation } of operations) {
      const init = { case: operation.op, value: this.#request(store, operation) };
      const outcome = await outcomeOf(async () => {
        const { value } = await transaction.operate(init as Parameters<TransactionClient["operate"]>[0]);
        return value as object;
      });
      trace.push(outcome);
      if (typeof outcome !== "object" || !("error" in outcome)) continue;
      await transaction.stream.ended;
      return trace;
    }
    await transaction[end]();
    return trace;
  }

  async #walk({ store, direction, on, commands }: Walk): Promise<Trace> {
    const query =
      "query" in on ? this.#query(store, on.query) : { ...("range" in on && { range: rangeOf(on.range, typed) }) };
    const init = { store: String(store), direction: DIRECTIONS.indexOf(direction) as CursorDirection, ...query };
    const trace: Outcome[] = [];
    try {
      const cursor = await this.#db.cursor(init as Parameters<TestDatabase["cursor"]>[0]);
      for (const command of commands) trace.push(await this.#step(cursor, command, "query" in on));
      cursor.close();
    } catch (error) {
      trace.push(failureOf(error));
    }
    return trace;
  }

  async #step(cursor: CursorClient, command: Walk["commands"][number], onIndex: boolean): Promise<Outcome> {
    const result = await cursor.command(commandOf(command));
    if (result === undefined || result === true) return "end";
    if (result === false) return "done";
    const parts = result.key.map(decodeKeyValue);
    return {
      key: plainKey(onIndex ? parts : parts[0]),
      id: result.primaryKey,
      record: plainRecord(decodeRecord(result.record)),
    };
  }

  #request(store: number, operation: Operation): object {
    const name = String(store);
    if ("query" in operation) return { store: name, ...this.#query(store, operation.query) };
    if ("row" in operation) return { store: name, record: recordOf(operation.row) };
    if ("id" in operation) return { store: name, id: operation.id };
    return { store: name, ...("range" in operation && { range: rangeOf(operation.range, typed) }) };
  }

  #query(store: number, { index, values, range }: Extract<Operation, { query: object }>["query"]): object {
    const { name } = this.#indexAt(store, index) ?? { name: "none" };
    return {
      index: name,
      values: values.map((value) => typed(fieldValue(value))),
      ...(range && { range: rangeOf(range, boundOf) }),
    };
  }
}

/** One field alone also goes bare, which must mean the same. */
function boundOf(bound: IndexBound) {
  const [only] = bound;
  return typed(bound.length === 1 && only !== undefined && only !== 1 ? only : json([...bound]));
}

function rangeOf<Bound>(range: Range<Bound> | undefined, of: (bound: Bound) => unknown): object | undefined {
  if (range === undefined) return undefined;
  const { lower, upper, lowerOpen, upperOpen } = range;
  return {
    ...(lower !== undefined && { lower: of(lower) }),
    ...(upper !== undefined && { upper: of(upper) }),
    lowerOpen,
    upperOpen,
  };
}

function commandOf(command: Walk["commands"][number]): Parameters<CursorClient["command"]>[0] {
  switch (command.command) {
    case "next":
      return { case: "next", value: true };
    case "advance":
      return { case: "advance", value: command.count };
    case "continue": {
      const parts = typeof command.key === "string" ? [command.key] : command.key;
      const key = parts.map((part) => ({ kind: { case: "scalar", value: typed(part) } })) as KeyValue[];
      return { case: "continueToKey", value: { key } };
    }
    case "update":
      return { case: "update", value: recordOf({ fields: command.fields }) };
    case "delete":
      return { case: "delete", value: true };
  }
}

function recordOf({ id, fields }: { readonly id?: string; readonly fields: Row["fields"] }): WireRecord {
  return record(id, Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldValue(field)])));
}

function fieldValue(field: Field): Value {
  switch (field.kind) {
    case "int":
      return BigInt(field.value);
    case "time": {
      const seconds = Math.floor(field.value / 1000);
      return time(BigInt(seconds), (field.value - seconds * 1000) * 1_000_000);
    }
    case "bytes":
      return Uint8Array.from(field.value);
    case "json":
      return json(field.value);
    case "null":
      return null;
    default:
      return field.value;
  }
}

async function outcomeOf(call: () => Promise<object>): Promise<Outcome> {
  try {
    return plainAnswer(await call());
  } catch (error) {
    return failureOf(error);
  }
}

/** Any of the answers: each has a field of its own. */
function plainAnswer(answer: object): Outcome {
  if ("record" in answer) return { records: [plainRecord(decodeRecord(answer.record as WireRecord))] };
  if ("records" in answer)
    return { records: (answer.records as WireRecord[]).map((each) => plainRecord(decodeRecord(each))) };
  if ("keys" in answer) return { keys: answer.keys as string[] };
  if ("key" in answer) return { keys: [answer.key as string] };
  if ("count" in answer) return { count: Number(answer.count) };
  if ("deleted" in answer) return { count: Number(answer.deleted) };
  return "done";
}

function failureOf(error: unknown): Outcome {
  if (!(error instanceof ConnectError)) throw error;
  const name = Code[error.code];
  if (name === "NotFound" || name === "AlreadyExists" || name === "InvalidArgument") return failure(name);
  throw error;
}
