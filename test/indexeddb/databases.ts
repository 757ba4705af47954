// Starts a worker under test, gives clients of its databases, and declares the same tests for all that must behave alike.
import { after, before, describe } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { NullValue } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import {
  RecordSchema,
  type TypedValue,
  TypedValueSchema,
  type Record as WireRecord,
} from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { startWorker, type TestWorker, type TokenClaims } from "../support/worker-harness.ts";
import { CursorClient, TransactionClient } from "./stream-client.ts";

/** Databases on Durable Objects, and those of examples/indexeddb, which are written with the authoring API alone. */
const BACKENDS = ["objects", "example"] as const;
type Backend = (typeof BACKENDS)[number];

/** Providers by their names in the workers: `objects` and `impatient` in databases.worker.ts, `small` in the example. */
type ProviderName = "objects" | "impatient" | "small";

type CursorInit = Parameters<typeof CursorClient.open>[2];

/** One database, in a session of its own. */
export interface TestDatabase {
  readonly client: Client<typeof IndexedDB>;
  readonly claims: TokenClaims;
  /** Name of its Durable Object. */
  readonly objectName: string;
  cursor(open: CursorInit): Promise<CursorClient>;
  begin(stores: string[], mode?: "readonly" | "readwrite"): Promise<TransactionClient>;
}

type Control = "abandon" | "fail" | "fill" | "rows" | "stored";

export interface Databases {
  readonly worker: TestWorker;
  /** Another one each time, unless it is named. */
  database(provider: ProviderName, config?: JsonObject): TestDatabase;
  /** Calls one of the worker's test controls for a database on Durable Objects. */
  control<Answer = unknown>(name: Control, objectName: string, ...args: unknown[]): Promise<Answer>;
  /** What the worker has logged. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** What tests are given. Only they can look into it: before they run there is nothing there. */
export interface TestContext {
  readonly databases: Databases;
  /** A database that the tests share. */
  readonly db: TestDatabase;
}

/** Declares the same tests for each of the backends, and `ofObjects` for databases on Durable Objects alone. */
export function describeBackends(
  title: string,
  ofAll: (on: TestContext) => void,
  ofObjects: (on: TestContext) => void = () => {},
): void {
  for (const backend of BACKENDS) {
    describeDatabases(`${title}, ${backend}`, backend, (on) => {
      ofAll(on);
      if (backend === "objects") ofObjects(on);
    });
  }
}

/** Declares tests of databases on Durable Objects. */
export function describeObjects(title: string, declare: (on: TestContext) => void): void {
  describeDatabases(title, "objects", declare);
}

function describeDatabases(title: string, backend: Backend, declare: (on: TestContext) => void): void {
  describe(`IndexedDB ${title}`, () => {
    let databases: Databases | undefined;
    let db: TestDatabase | undefined;
    before(async () => {
      databases = await startDatabases(backend);
      db = databases.database(backend === "objects" ? "objects" : "small");
    });
    after(() => databases?.stop());
    declare({
      get databases() {
        return databases as Databases;
      },
      get db() {
        return db as TestDatabase;
      },
    });
  });
}

const WORKERS = {
  objects: {
    entry: new URL("./databases.worker.ts", import.meta.url),
    durableObjects: { INDEXEDDB_OBJECT: { className: "TestedObject", useSQLite: true } },
  },
  example: {
    entry: new URL("../../examples/indexeddb/src/index.ts", import.meta.url),
    durableObjects: { DATABASES: { className: "Databases", useSQLite: true } },
  },
};

export async function startDatabases(backend: Backend = "objects"): Promise<Databases> {
  const log: string[] = [];
  const worker = await startWorker({ ...WORKERS[backend], onLog: (line) => log.push(line) });
  let sessions = 0;
  return {
    worker,
    log,
    database(provider, config = { [provider === "small" ? "table" : "name"]: `database-${sessions}` }) {
      const claims = { provider, config, sid: `session-${sessions++}` };
      return {
        client: worker.client(IndexedDB, claims),
        claims,
        objectName: String(config.name ?? "indexeddb"),
        cursor: (open) => CursorClient.open(worker, claims, open),
        begin: (stores, mode) => TransactionClient.begin(worker, claims, stores, mode),
      };
    },
    async control<Answer>(name: string, ...args: unknown[]) {
      const response = await worker.fetch(`/test/${name}`, { method: "POST", body: JSON.stringify(args) });
      if (!response.ok) throw new Error(`/test/${name}: ${await response.text()}`);
      return (await response.json()) as Answer;
    },
    stop: () => worker.dispose(),
  };
}

/** A value with the kind spelled out; the others get theirs from their type, numbers that of doubles. */
export type Value = null | string | number | bigint | boolean | Uint8Array | MessageInitShape<typeof TypedValueSchema>;

export function typed(value: Value): TypedValue {
  if (value === null) return create(TypedValueSchema, { kind: { case: "nullValue", value: NullValue.NULL_VALUE } });
  switch (typeof value) {
    case "string":
      return create(TypedValueSchema, { kind: { case: "stringValue", value } });
    case "number":
      return create(TypedValueSchema, { kind: { case: "floatValue", value } });
    case "bigint":
      return create(TypedValueSchema, { kind: { case: "intValue", value } });
    case "boolean":
      return create(TypedValueSchema, { kind: { case: "boolValue", value } });
  }
  if (value instanceof Uint8Array) return create(TypedValueSchema, { kind: { case: "bytesValue", value } });
  return create(TypedValueSchema, value);
}

export function time(seconds: bigint, nanos = 0): Value {
  return { kind: { case: "timeValue", value: { seconds, nanos } } };
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export function json(value: Json): Value {
  return { kind: { case: "jsonValue", value: jsonValue(value) } };
}

type JsonInit = Extract<
  NonNullable<
    Extract<Exclude<Value, null | string | number | bigint | boolean | Uint8Array>, { $typeName?: never }>["kind"]
  >,
  { case: "jsonValue" }
>["value"];

function jsonValue(value: Json): JsonInit {
  if (value === null) return { kind: { case: "nullValue", value: NullValue.NULL_VALUE } };
  if (typeof value === "string") return { kind: { case: "stringValue", value } };
  if (typeof value === "number") return { kind: { case: "numberValue", value } };
  if (typeof value === "boolean") return { kind: { case: "boolValue", value } };
  if (Array.isArray(value)) return { kind: { case: "listValue", value: { values: value.map(jsonValue) } } } as JsonInit;
  const entries = Object.entries(value as { readonly [name: string]: Json }).map(
    ([name, item]) => [name, jsonValue(item)] as const,
  );
  return { kind: { case: "structValue", value: { fields: Object.fromEntries(entries) } } } as JsonInit;
}

/** `undefined` leaves the key out. */
export function record(id: string | undefined, fields: Readonly<Record<string, Value>> = {}): WireRecord {
  const entries = Object.entries(fields).map(([name, value]) => [name, typed(value)] as const);
  const named = id === undefined ? entries : [...entries, ["id", typed(id)] as const];
  return create(RecordSchema, { fields: Object.fromEntries(named) });
}

/** Fields of a record, in a form to compare and to print. */
export function plain(record: WireRecord | undefined): Record<string, TypedValue["kind"]> | undefined {
  return record && Object.fromEntries(Object.entries(record.fields).map(([name, { kind }]) => [name, kind]));
}

export function idsOf(records: readonly WireRecord[]): unknown[] {
  return records.map(({ fields }) => fields.id?.kind.value);
}
