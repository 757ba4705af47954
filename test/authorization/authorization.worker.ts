// The worker under test: the ready-made authorization with an object whose reading is counted and whose platform can fail, and
// authored providers.
import { DurableObject } from "cloudflare:workers";
import {
  AuthorizationObject,
  durableObjectAuthorization,
} from "../../src/providers/authorization-durable-object/index.ts";
import { upgradeSchema } from "../../src/providers/sqlite-schema.ts";
import { type BackoffSources, defineAuthorizationProvider, serve } from "../../src/worker/index.ts";

interface Env {
  readonly AUTHORIZATION_OBJECT: DurableObjectNamespace<MeasuredAuthorizationObject>;
  readonly SCHEMA_OBJECT: DurableObjectNamespace<SchemaObject>;
}

/** Rows read and written since the last look, in all objects of this isolate. */
let cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
let calls: string[] = [];
let pauses: number[] = [];
let faults: { times: number; retryable?: boolean; overloaded?: boolean; message?: string } = { times: 0 };

const backoff: BackoffSources = {
  random: () => 0.5,
  async sleep(milliseconds) {
    pauses.push(milliseconds);
  },
};

/** Counts the rows that SQLite reads for it. */
export class MeasuredAuthorizationObject extends AuthorizationObject {
  protected override sql(): SqlStorage {
    const sql = super.sql();
    return new Proxy(sql, {
      get(target, name) {
        if (name !== "exec") return Reflect.get(target, name);
        return (...query: Parameters<SqlStorage["exec"]>) => {
          const cursor = target.exec(...query);
          cursors.push(cursor);
          return cursor;
        };
      },
    });
  }

  /** As if a newer release had been here. */
  async fromTheFuture(): Promise<void> {
    this.ctx.storage.sql.exec("UPDATE schema_version SET version = 99");
    await this.ctx.storage.sync();
    this.ctx.abort("restarts");
  }
}

/** A database whose schema tests bring up to date. */
export class SchemaObject extends DurableObject<unknown> {
  /** Starts as the release that knows so many steps would, of which the last may fail; answers what is there then. */
  upgrade(steps: number, failing: boolean): { done: unknown[]; version: unknown[]; failure: string | null } {
    const { storage } = this.ctx;
    storage.sql.exec("CREATE TABLE IF NOT EXISTS done (step INTEGER)");
    const all = Array.from({ length: steps }, (_, index) => (sql: SqlStorage) => {
      sql.exec("INSERT INTO done (step) VALUES (?)", index + 1);
      if (failing && index + 1 === steps) throw new Error("this step fails");
    });
    let failure: string | null = null;
    try {
      upgradeSchema(storage, all);
    } catch (error) {
      failure = String(error);
    }
    const done = storage.sql.exec("SELECT step FROM done").toArray();
    const version = failing && steps === 1 ? [] : storage.sql.exec("SELECT version FROM schema_version").toArray();
    return { done: done.map(({ step }) => step), version: version.map((row) => row.version), failure };
  }
}

/** A policy in code that keeps nothing but the model it was last sent. */
function policy() {
  let model = { id: "none yet" };
  return defineAuthorizationProvider({
    evaluate: ({ subject, action }) => subject.id === "root" || action.name === "view",
    readRelationships: () => ({ relationships: [] }),
    writeRelationships: () => undefined,
    getActiveModel: () => model,
    writeModel: ({ model: { resourceTypes } }) => {
      model = { id: resourceTypes.map(({ name }) => name).join("+") || "empty" };
      return model;
    },
  });
}

/** Answers in every way a handler should not. */
function careless() {
  const many = [true, undefined, { allowed: "yes" }, { allowed: true, modelId: "m" }];
  return defineAuthorizationProvider({
    evaluate: () => many[1] as unknown as boolean,
    evaluateMany: ({ evaluations }) => many.slice(0, evaluations.length) as boolean[],
    readRelationships: () => {
      throw new Error("a secret");
    },
    writeRelationships: () => undefined,
    getActiveModel: () => ({ id: "" }),
    writeModel: () => ({ id: "m", version: "7" }),
    searchActions: ({ pageSize, pageToken }) => ({ actions: [String(pageSize), { name: String(pageToken) }] }),
  });
}

const app = serve({
  store: durableObjectAuthorization({ backoff }),
  policy: policy(),
  careless: careless(),
});

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/test/")) return Response.json((await control(pathname, request, env)) ?? null);
    const namespace = faulty(env.AUTHORIZATION_OBJECT);
    return app.fetch(request, { ...env, AUTHORIZATION_OBJECT: namespace }, context);
  },
};

/** What tests do to the worker from outside. */
async function control(pathname: string, request: Request, env: Env): Promise<unknown> {
  switch (pathname) {
    case "/test/measured": {
      const sum = (key: "rowsRead" | "rowsWritten") => cursors.reduce((rows, cursor) => rows + cursor[key], 0);
      const measured = { read: sum("rowsRead"), written: sum("rowsWritten"), calls, pauses };
      [cursors, calls, pauses] = [[], [], []];
      return measured;
    }
    case "/test/faults":
      faults = await request.json();
      [calls, pauses] = [[], []];
      return null;
    case "/test/from-the-future":
      return env.AUTHORIZATION_OBJECT.getByName(await request.json<string>())
        .fromTheFuture()
        .catch(() => null);
    case "/test/copy": {
      const [from, to] = (await request.json<string[]>()).map((name) => env.AUTHORIZATION_OBJECT.getByName(name));
      if (from === undefined || to === undefined) throw new Error("two stores are needed");
      return copy(from, to);
    }
    case "/test/upgrade": {
      const { name, steps, failing } = await request.json<{ name: string; steps: number; failing: boolean }>();
      return env.SCHEMA_OBJECT.getByName(name).upgrade(steps, failing);
    }
    default:
      throw new Error(`no such control: ${pathname}`);
  }
}

/** As docs/authorization.md has it, with smaller pages. */
async function copy(from: Store, to: Store): Promise<void> {
  let after: Parameters<Store["readRelationships"]>[2];
  for (;;) {
    const page = await from.readRelationships({}, undefined, after, 10);
    if (page === undefined) return;
    const { state } = await to.writeRelationships({ writes: page.entries, deletes: [], modelId: undefined });
    if (state !== "done") throw new Error(`Nothing more was copied: ${state}`);
    if (!page.more) return;
    after = page.entries.at(-1);
  }
}

type Store = DurableObjectStub<AuthorizationObject>;

/** The namespace as the platform is on a bad day: calls of its objects fail as often as they were told to. */
function faulty(namespace: Env["AUTHORIZATION_OBJECT"]): Env["AUTHORIZATION_OBJECT"] {
  return Object.create(namespace, {
    idFromName: { value: namespace.idFromName.bind(namespace) },
    getByName: {
      value: (...of: Parameters<typeof namespace.getByName>) => {
        const stub = namespace.getByName(...of);
        return new Proxy(stub, {
          get(_target, method: string) {
            return (...args: unknown[]) => {
              calls.push(method);
              if (faults.times > 0) {
                faults.times--;
                const { message = "the platform failed", retryable, overloaded } = faults;
                return Promise.reject(Object.assign(new Error(message), { retryable, overloaded }));
              }
              return (stub as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args);
            };
          },
        });
      },
    },
  });
}
