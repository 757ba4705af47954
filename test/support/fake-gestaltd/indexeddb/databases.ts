// The databases that gestaltd keeps for its plugins: one for each of them and each binding.
import type { HandlerContext } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES } from "../../../../src/wire/limits.ts";
import { callerOf } from "../caller.ts";
import { Database } from "./database.ts";
import { FakeIndexedDB } from "./service.ts";

export interface DatabasesOptions {
  /** Stores of plugins that may use only these. */
  readonly objectStores?: Readonly<Record<string, readonly string[]>>;
}

export class Databases {
  readonly #options: DatabasesOptions;
  readonly #databases = new Map<string, Database>();
  readonly #indexedDB = new FakeIndexedDB((context) => this.#of(context));

  constructor(options: DatabasesOptions = {}) {
    this.#options = options;
  }

  get service(): FakeIndexedDB["service"] {
    return this.#indexedDB.service;
  }

  /** Cursors and transactions that are open now. */
  get streams(): number {
    return this.#indexedDB.streams;
  }

  /** Writes and transactions that wait for a transaction to end. */
  get waiting(): number {
    return [...this.#databases.values()].reduce((sum, { locks }) => sum + locks.waiting, 0);
  }

  #of(context: HandlerContext): Database {
    const { plugin, variable } = callerOf(context);
    const key = `${variable}\n${plugin}`;
    const allowed = this.#options.objectStores?.[plugin];
    const limits = { maxAnswerBytes: MAX_MESSAGE_BYTES, ...(allowed && { allowedStores: new Set(allowed) }) };
    const database = this.#databases.get(key) ?? new Database(limits);
    this.#databases.set(key, database);
    return database;
  }
}
