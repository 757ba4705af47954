// The worker under test: the ready-made credential store with a clock and waits set from outside and a look at what is on disk, and
// authored providers.
import {
  CredentialsObject,
  durableObjectCredentials,
} from "../../src/providers/external-credentials-durable-object/index.ts";
import {
  type CredentialUpsert,
  defineExternalCredentialProvider,
  type ExternalCredential,
  serve,
} from "../../src/worker/index.ts";

interface Env {
  readonly CREDENTIALS_OBJECT: DurableObjectNamespace<TestCredentialsObject>;
}

// Stands still unless moved, so that a token ends exactly where a test says.
let clock = Date.now();
let waits = { patience: { expired: 20_000, valid: 20_000 }, endpointMs: 60_000 };
let pauses: number[] = [];
let faults: { times: number; retryable?: boolean; overloaded?: boolean; message?: string } = { times: 0 };

export class TestCredentialsObject extends CredentialsObject {
  /** All rows, bytes as Latin-1 text. */
  rows(): Record<string, unknown>[] {
    const rows = this.ctx.storage.sql.exec("SELECT * FROM credentials ORDER BY number").toArray();
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, printed(value)])));
  }

  /** What somebody could do who has the database, and no key. */
  tamper(statement: string, ...values: (string | number)[]): void {
    this.ctx.storage.sql.exec(statement, ...values);
  }

  async restart(): Promise<void> {
    await this.ctx.storage.sync();
    this.ctx.abort("restarts");
  }

  protected override now(): number {
    return clock;
  }

  protected override waits(): typeof waits {
    return waits;
  }
}

function printed(value: SqlStorageValue): unknown {
  if (!(value instanceof ArrayBuffer)) return value;
  return Array.from(new Uint8Array(value), (byte) => String.fromCharCode(byte)).join("");
}

const app = serve({
  store: durableObjectCredentials({
    backoff: {
      random: () => 0.5,
      async sleep(milliseconds) {
        pauses.push(milliseconds);
      },
    },
  }),
  plain: inMemory(),
  careless: careless(),
});

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/test/")) {
      return app.fetch(request, { ...env, CREDENTIALS_OBJECT: faulty(env.CREDENTIALS_OBJECT) }, context);
    }
    return Response.json((await control(pathname, await request.json(), env)) ?? null);
  },
};

/** What tests do to the worker from outside. */
async function control(pathname: string, body: unknown, { CREDENTIALS_OBJECT }: Env): Promise<unknown> {
  switch (pathname) {
    case "/test/now":
      return clock;
    case "/test/advance":
      clock += body as number;
      return clock;
    case "/test/waits":
      waits = { ...waits, ...(body as Partial<typeof waits>) };
      return undefined;
    case "/test/rows":
      return CREDENTIALS_OBJECT.getByName(body as string).rows();
    case "/test/copy":
      return copy(...(body as [string, string]), CREDENTIALS_OBJECT);
    case "/test/tamper": {
      const { store, statement, values = [] } = body as { store: string; statement: string; values?: string[] };
      return CREDENTIALS_OBJECT.getByName(store).tamper(statement, ...values);
    }
    case "/test/restart":
      return CREDENTIALS_OBJECT.getByName(body as string)
        .restart()
        .catch(() => undefined);
    case "/test/faults":
      faults = body as typeof faults;
      pauses = [];
      return undefined;
    case "/test/pauses":
      return pauses;
  }
  throw new Error(`unknown control ${pathname}`);
}

/** As docs/external-credentials.md has it. */
async function copy(source: string, destination: string, namespace: Env["CREDENTIALS_OBJECT"]): Promise<number> {
  const [from, to] = [namespace.getByName(source), namespace.getByName(destination)];
  const keys = { key: "GESTALT_EDGE_CREDENTIALS_KEY", oldKeys: [] };
  let copied = 0;
  for (let after = 0; ; ) {
    const page = await from.page(after, keys);
    if ("refusal" in page) throw new Error(page.refusal.text);
    const { credentials, next } = page.value;
    if (credentials.length === 0) return copied;
    for (const credential of credentials) {
      const stored = await to.upsert(credential, true, { ...keys, key: "KEY_2" });
      if ("refusal" in stored) throw new Error(stored.refusal.text);
      copied += 1;
    }
    after = next;
  }
}

/** Calls of objects fail as the platform makes them. */
function faulty(namespace: Env["CREDENTIALS_OBJECT"]): Env["CREDENTIALS_OBJECT"] {
  return new Proxy(namespace, {
    get(target, name) {
      if (name !== "getByName" || faults.times <= 0) return bound(target, name);
      return () => new Proxy({}, { get: () => () => fail() });
    },
  });
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? value.bind(target) : value;
}

async function fail(): Promise<never> {
  faults.times -= 1;
  const { message = "the platform failed", retryable, overloaded } = faults;
  throw Object.assign(new Error(message), { retryable, overloaded });
}

/** Four handlers, as an author writes them; the rest is made of those. */
function inMemory() {
  const kept = new Map<string, ExternalCredential>();
  const nameOf = (key: { subjectId: string; connectionId: string; instance: string }) =>
    JSON.stringify([key.subjectId, key.connectionId, key.instance]);
  return defineExternalCredentialProvider({
    upsertCredential({ credential, preserveTimestamps }) {
      const before = kept.get(nameOf(credential));
      const stored = asStored(credential, before, preserveTimestamps);
      kept.set(nameOf(credential), stored);
      return stored;
    },
    getCredential: (key) => kept.get(nameOf(key)),
    listCredentials: (filter) =>
      [...kept.values()].filter((credential) =>
        (["subjectId", "connectionId", "instance"] as const).every(
          (part) => filter[part] === undefined || filter[part] === credential[part],
        ),
      ),
    deleteCredential: ({ id }) => [...kept].some(([name, credential]) => credential.id === id && kept.delete(name)),
  });
}

function asStored(
  credential: CredentialUpsert,
  before: ExternalCredential | undefined,
  preserve: boolean,
): ExternalCredential {
  const now = new Date();
  return {
    ...credential,
    id: before?.id ?? (credential.id || crypto.randomUUID()),
    createdAt: (preserve && credential.createdAt) || (before?.createdAt ?? now),
    updatedAt: (preserve && credential.updatedAt) || now,
  };
}

/** Does everything an author should not. */
function careless() {
  const leak = (what: string) => () => {
    throw new Error(`POST https://example.com/?token=s3cr3t-${what} failed`);
  };
  const record: ExternalCredential = {
    ...{ id: "x", subjectId: "s", connectionId: "c", instance: "", accessToken: "t", refreshToken: "", scopes: "" },
    ...{ expiresAt: undefined, lastRefreshedAt: undefined, refreshErrorCount: 0, metadataJson: "" },
    ...{ createdAt: new Date(Number.NaN), updatedAt: new Date() },
  };
  return defineExternalCredentialProvider({
    upsertCredential: leak("upsert"),
    getCredential: () => record,
    listCredentials: leak("list"),
    deleteCredential: leak("delete"),
    validateCredentialConfig: leak("validate"),
    resolveCredential: ({ connectionId }) => (connectionId === "empty" ? { token: "" } : { token: "t" }),
    exchangeCredential: ({ credentialJson }) => ({ accessToken: credentialJson, expiresIn: 1e12, extra: { a: 1 } }),
  });
}
