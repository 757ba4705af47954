// What the author of a database writes, and what becomes of it.
import { CURSOR_IDLE_MS, TRANSACTION_IDLE_MS } from "../../wire/indexeddb-socket.ts";
import type { ProviderRequest } from "../call.ts";
import type { Provider, ProviderOptions } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import type {
  IndexedDBCursor,
  IndexedDBCursorInput,
  IndexedDBOperations,
  IndexedDBSchema,
  IndexedDBTransaction,
  IndexedDBTransactionInput,
} from "./objects.ts";
import { streamRoutes } from "./streams/routes.ts";
import { indexedDBSurface } from "./surface.ts";

/**
 * The handlers of a database. Names, sizes, keys and records are in order before a handler runs. To be thrown:
 * `IndexedDBNotFoundError` for a store or an index that does not exist, `IndexedDBAlreadyExistsError`. A `ConnectError`
 * goes out as it is, anything else as INTERNAL.
 */
export interface IndexedDBHandlers<Config = unknown>
  extends IndexedDBOperations<readonly [request: ProviderRequest<Config>]> {
  /**
   * Creates a store. One that exists keeps its records and gets the schema and, before this returns, its indexes:
   * gestaltd creates its stores at every start. IndexedDBAlreadyExistsError when its records cannot have a new unique
   * index.
   */
  createObjectStore(
    input: { readonly store: string; readonly schema: IndexedDBSchema },
    request: ProviderRequest<Config>,
  ): Promise<void> | void;
  /** Removes a store with all that is in it. One that does not exist is success. */
  deleteObjectStore(input: { readonly store: string }, request: ProviderRequest<Config>): Promise<void> | void;
  /** Begins a walk. `request.signal` aborts when the walk is over. */
  openCursor(input: IndexedDBCursorInput, request: ProviderRequest<Config>): Promise<IndexedDBCursor> | IndexedDBCursor;
  /**
   * Begins a transaction, when its turn has come: a readwrite one after those before it that share a store with it, in
   * order; a readonly one sees these finished, and nothing of those that come later. `request.signal` aborts when it is
   * over, also when the caller does not wait for the turn any longer.
   */
  transaction(
    input: IndexedDBTransactionInput,
    request: ProviderRequest<Config>,
  ): Promise<IndexedDBTransaction> | IndexedDBTransaction;
}

export interface IndexedDBProviderOptions<Config = unknown> extends ProviderOptions<Config>, IndexedDBHandlers<Config> {
  /** Silence of a caller before its transaction is rolled back, in milliseconds; 20 seconds when left out. */
  readonly transactionIdleMs?: number;
  /** Silence of a caller before its cursor is closed, in milliseconds; 5 minutes when left out. */
  readonly cursorIdleMs?: number;
}

/** Makes a database for `serve({ … })`. */
export function defineIndexedDBProvider<Config = Record<string, unknown>>(
  options: IndexedDBProviderOptions<Config>,
): Provider {
  const { transactionIdleMs = TRANSACTION_IDLE_MS, cursorIdleMs = CURSOR_IDLE_MS } = options;
  return {
    kind: "indexeddb",
    ...providerBase(options),
    surfaces: [indexedDBSurface(options)],
    routes: streamRoutes(options, { transactionIdleMs, cursorIdleMs }),
  };
}
