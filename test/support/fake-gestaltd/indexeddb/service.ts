// The IndexedDB service in memory, all its methods: as gestaltd offers it to plugins, and as a provider of databases
// might.
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { IndexedDB } from "../../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { serveCursor } from "./cursor.ts";
import type { Database } from "./database.ts";
import { OPERATIONS, type Operation, type Request } from "./operations.ts";
import { serveTransaction } from "./transaction.ts";

export class FakeIndexedDB {
  readonly service: ServiceImpl<typeof IndexedDB>;
  #streams = 0;

  /** `databaseOf` says which database a call is for. */
  constructor(databaseOf: (context: HandlerContext) => Database) {
    const unary = (operation: Operation) => (request: Request<Operation>, context: HandlerContext) =>
      databaseOf(context).perform(operation, request, context.signal).catch(rethrow);
    this.service = {
      ...(Object.fromEntries(Object.keys(OPERATIONS).map((name) => [name, unary(name as Operation)])) as unknown as {
        readonly [O in Operation]: ServiceImpl<typeof IndexedDB>[O];
      }),
      createObjectStore: ({ name, schema }, context) => databaseOf(context).create(name, schema, context.signal),
      deleteObjectStore: ({ name }, context) => databaseOf(context).remove(name, context.signal),
      openCursor: (messages, context) => this.#counted(serveCursor(messages, databaseOf(context), context.signal)),
      transaction: (messages, context) =>
        this.#counted(serveTransaction(messages, databaseOf(context), context.signal)),
    };
  }

  /** Cursors and transactions that are open now. */
  get streams(): number {
    return this.#streams;
  }

  async *#counted<T>(answers: AsyncIterable<T>): AsyncGenerator<T> {
    this.#streams += 1;
    try {
      yield* answers;
    } finally {
      this.#streams -= 1;
    }
  }
}

/** What gestaltd's server does not know, it calls its own fault, words and all (services/indexeddb/server.go). */
function rethrow(thrown: unknown): never {
  const error = ConnectError.from(thrown);
  if (error.code !== Code.ResourceExhausted) throw error;
  throw new ConnectError(`rpc error: code = ResourceExhausted desc = ${error.rawMessage}`, Code.Internal);
}
