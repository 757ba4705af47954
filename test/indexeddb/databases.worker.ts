// The databases under test: on Durable Objects that tests can look into, and the same with little patience.
import { create, toBinary } from "@bufbuild/protobuf";
import { RecordSchema, TypedValueSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { durableObjectIndexedDB, IndexedDBObject } from "../../src/providers/indexeddb-durable-object/index.ts";
import { serve } from "../../src/worker/index.ts";
import { writeVersion1 } from "./version-1.worker.ts";

interface Env {
  readonly INDEXEDDB_OBJECT: DurableObjectNamespace<TestedObject>;
}

/** Counted in all objects. */
let rows = { read: 0, written: 0 };

export class TestedObject extends IndexedDBObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(counted(prepared(ctx)), env);
  }

  /** Rows of each table. */
  stored(): Record<string, number> {
    const tables = ["stores", "indexes", "records", "pieces", "entries", "retired_stores", "retired_indexes"];
    const { sql } = this.ctx.storage;
    return Object.fromEntries(
      tables.map((table) => [table, sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n]),
    );
  }

  /** Puts records of `group`, one of a thousand, and `n`, a number of their own, under that number in six digits. */
  async fill({ store, count }: { readonly store: string; readonly count: number }): Promise<void> {
    const encoder = new TextEncoder();
    for (let at = 0; at < count; at++) {
      const id = String(at).padStart(6, "0");
      const fields = { id: text(id), group: text(`g${at % 1_000}`), n: int(at) };
      const row = { key: encoder.encode(id), record: toBinary(RecordSchema, create(RecordSchema, { fields })) };
      const outcome = await this.put(store, row, undefined);
      if ("error" in outcome) throw new Error(outcome.error.message);
    }
  }

  /** Rows that statements read and wrote since this was last asked. */
  rows(): typeof rows {
    this.ctx.storage.sql.exec("SELECT 1");
    const seen = rows;
    rows = { read: 0, written: 0 };
    return seen;
  }

  /** Ends the object as an uncaught fault of the platform does; the next call finds a new one. */
  fail(): void {
    this.ctx.abort("the test wanted it");
  }
}

function text(value: string) {
  return create(TypedValueSchema, { kind: { case: "stringValue", value } });
}

function int(value: number) {
  return create(TypedValueSchema, { kind: { case: "intValue", value: BigInt(value) } });
}

const idle = { transactionIdleMs: 1_000, cursorIdleMs: 1_000 };

const app = serve({
  objects: durableObjectIndexedDB(),
  impatient: durableObjectIndexedDB(idle),
});

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/test/")) return app.fetch(request, env, context);
    return Response.json((await control(pathname, request, env, context)) ?? null);
  },
};

async function control(pathname: string, request: Request, env: Env, context: ExecutionContext): Promise<unknown> {
  const [name, ...args] = await request.json<[string, ...unknown[]]>();
  const object = env.INDEXEDDB_OBJECT.getByName(name);
  switch (pathname) {
    case "/test/stored":
      return object.stored();
    case "/test/fail":
      return object.fail().catch(() => null);
    case "/test/fill":
      return object.fill(args[0] as Parameters<TestedObject["fill"]>[0]);
    case "/test/abandon":
      return abandon(object, args[0] as Parameters<typeof abandon>[1], context);
    case "/test/rows":
      return object.rows();
    default:
      throw new Error(`no such control: ${pathname}`);
  }
}

/**
 * Begins a transaction as the provider does, and forgets it: `hang` keeps this request alive, so that the object cannot
 * know; without it the request ends, and what it held of the object with it.
 */
async function abandon(
  object: DurableObjectStub<TestedObject>,
  { store, leaseMs, hang }: { readonly store: string; readonly leaseMs: number; readonly hang: boolean },
  context: ExecutionContext,
): Promise<void> {
  const transaction = await object.transaction({ stores: [store], mode: "readwrite", leaseMs, waitMs: undefined });
  await transaction.begin();
  if (hang) context.waitUntil(scheduler.wait(20 * leaseMs).then(() => transaction[Symbol.dispose]()));
}

/** Databases of some names begin as others have left them. */
function prepared(ctx: DurableObjectState): DurableObjectState {
  const { sql } = ctx.storage;
  const isEmpty = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length === 0;
  if (isEmpty && ctx.id.name?.startsWith("version 1")) writeVersion1(sql);
  if (isEmpty && ctx.id.name === "of the future") {
    sql.exec(
      "CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version (version) VALUES (99)",
    );
  }
  // One step of the upgrade finds its table taken, after others have been done.
  if (isEmpty && ctx.id.name === "version 1 with a fault") sql.exec("CREATE TABLE retired_indexes (fault)");
  return ctx;
}

/** The same state, with statements counted once they are through. */
function counted(ctx: DurableObjectState): DurableObjectState {
  const { sql } = ctx.storage;
  const exec = sql.exec.bind(sql);
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  sql.exec = ((query: string, ...bindings: SqlStorageValue[]) => {
    for (const { rowsRead, rowsWritten } of cursors.splice(0)) {
      rows.read += rowsRead;
      rows.written += rowsWritten;
    }
    const cursor = exec(query, ...bindings);
    cursors.push(cursor);
    return cursor;
  }) as typeof sql.exec;
  return ctx;
}
