// The handlers of a database that is a Durable Object: each is one call of it.
import {
  type BackoffSources,
  createLog,
  type IndexedDBCursor,
  type IndexedDBHandlers,
  type IndexedDBTransaction,
  type ProviderRequest,
  withBackoff,
} from "../../worker/index.ts";
import { durableObjectError, type FailingObject, isRetryable } from "../durable-object-errors.ts";
import type { DurableObjectIndexedDBConfig } from "./config.ts";
import type { CursorSession } from "./cursor-session.ts";
import type { IndexedDBObject } from "./indexeddb-object.ts";
import { BACKOFF, LEASE_MARGIN_MS } from "./limits.ts";
import { type Outcome, unwrap } from "./outcome.ts";
import { unpack } from "./packed.ts";
import type { TransactionSession } from "./transaction-session.ts";

const DATABASE: FailingObject = { name: "The database" };

type Request = ProviderRequest<DurableObjectIndexedDBConfig>;

/**
 * What lies in an object, as workers call it. The platform's own type of it takes each result apart, down to every
 * member of a byte array, which the compiler does not get through.
 */
export type Remote<T> = {
  readonly [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Passed<Awaited<Result>>>
    : never;
} & Disposable;

/** An object of the other side arrives as what calls it. */
type Passed<T> = T extends { readonly value: CursorSession }
  ? { readonly value: Remote<CursorSession> }
  : T extends TransactionSession
    ? Remote<TransactionSession>
    : T;

export type DatabaseStub = Remote<Pick<IndexedDBObject, DatabaseCalls>>;

type DatabaseCalls =
  | "createObjectStore"
  | "deleteObjectStore"
  | "get"
  | "add"
  | "put"
  | "getAll"
  | "getAllKeys"
  | "count"
  | "delete"
  | "openCursor"
  | "transaction"
  | "ping";

/**
 * Reads, and the making of stores, are tried again when the platform failed in passing. Writes are not: the first try may
 * have been carried out, and a second would report that, or undo what somebody else has written in between.
 */
export function durableObjectIndexedDBHandlers(
  open: (request: Request) => DatabaseStub,
  backoff: BackoffSources | undefined,
): IndexedDBHandlers<DurableObjectIndexedDBConfig> {
  const once = <R>(request: Request, call: (object: DatabaseStub) => Promise<Outcome<R>>) =>
    translated(async () => unwrap(await call(open(request))));
  const again = <R>(request: Request, call: (object: DatabaseStub) => Promise<Outcome<R>>) =>
    // A stub that has failed stays broken, so each try takes a new one.
    translated(() =>
      withBackoff(async () => unwrap(await call(open(request))), isRetryable, BACKOFF, request, backoff),
    );

  return {
    createObjectStore: ({ store, schema }, request) =>
      again(request, (object) => object.createObjectStore(store, schema, waitMs(request))),
    deleteObjectStore: ({ store }, request) =>
      once(request, (object) => object.deleteObjectStore(store, waitMs(request))),
    get: ({ store, key }, request) => again(request, (object) => object.get(store, key)),
    add: ({ store, row }, request) => once(request, (object) => object.add(store, row, waitMs(request))),
    put: ({ store, row }, request) => once(request, (object) => object.put(store, row, waitMs(request))),
    getAll: async (read, request) => unpack(await again(request, (object) => object.getAll(read))),
    getAllKeys: async (read, request) => unpack(await again(request, (object) => object.getAllKeys(read))),
    count: (query, request) => again(request, (object) => object.count(query)),
    delete: (query, request) => once(request, (object) => object.delete(query, waitMs(request))),

    async openCursor(input, request) {
      const leaseMs = input.idleMs + LEASE_MARGIN_MS;
      return cursorOn(await again(request, (object) => object.openCursor(input, leaseMs)));
    },

    async transaction({ stores, mode, idleMs }, request) {
      const leaseMs = idleMs + LEASE_MARGIN_MS;
      const options = { stores, mode, leaseMs, waitMs: waitMs(request) };
      const session = await translated(() => open(request).transaction(options));
      await begin(session, request.signal);
      return transactionOn(session);
    },
  };
}

/** Waits for its turn. A caller that leaves meanwhile gives up the place. */
async function begin(session: Remote<TransactionSession>, signal: AbortSignal): Promise<void> {
  const giveUp = () => void session.abort().catch(() => {});
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    unwrap(await translated(() => session.begin()));
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function transactionOn(session: Remote<TransactionSession>): IndexedDBTransaction {
  const ask = async <R>(call: () => Promise<Outcome<R>>) => unwrap(await translated(call));
  const last = <R>(call: () => Promise<R>) => translated(call).finally(() => session[Symbol.dispose]());
  return {
    get: ({ store, key }) => ask(() => session.get(store, key)),
    add: ({ store, row }) => ask(() => session.add(store, row)),
    put: ({ store, row }) => ask(() => session.put(store, row)),
    getAll: async (read) => unpack(await ask(() => session.getAll(read))),
    getAllKeys: async (read) => unpack(await ask(() => session.getAllKeys(read))),
    count: (query) => ask(() => session.count(query)),
    delete: (query) => ask(() => session.delete(query)),
    commit: () => last(async () => unwrap(await session.commit())),
    abort: () => last(() => session.abort()),
  };
}

function cursorOn(session: Remote<CursorSession>): IndexedDBCursor {
  return {
    read: async (input) => unwrap(await translated(() => session.read(input))),
    close: () => session[Symbol.dispose](),
  };
}

/** What is left of the caller's deadline, which the object's own clock cannot know. */
function waitMs({ deadline }: Request): number | undefined {
  return deadline === undefined ? undefined : Math.max(0, deadline - Date.now());
}

async function translated<R>(call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch (failure) {
    const error = durableObjectError(failure, DATABASE);
    // To the platform an object that cannot start is one that ended in the middle. The log has the reason.
    if (error !== failure) createLog().warn("a call of a database failed", { error: failure });
    throw error;
  }
}
