// IndexedDB.OpenCursor: a walk over the store as it was when it was opened, step by step (reference §4.7, "Cursor
// stream").
import { create } from "@bufbuild/protobuf";
import {
  type CursorClientMessage,
  type CursorCommand,
  CursorDirection,
  CursorEntrySchema,
  type CursorResponse,
  CursorResponseSchema,
  type OpenCursorRequest,
} from "../../../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import { RecordRequestSchema } from "../../../../src/gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import {
  type KeyValue,
  KeyValueSchema,
  RecordSchema,
  type TypedValue,
  TypedValueSchema,
  type Record as WireRecord,
} from "../../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import type { Database } from "./database.ts";
import { invalid, notFound } from "./errors.ts";
import { compareKeys, type Key, keyOf } from "./keys.ts";

/** Answers one message with one, until `close` or until the client goes. */
export async function* serveCursor(
  messages: AsyncIterable<CursorClientMessage>,
  database: Database,
  signal: AbortSignal,
): AsyncGenerator<CursorResponse> {
  let cursor: Cursor | undefined;
  for await (const { msg } of messages) {
    if (cursor === undefined) {
      if (msg.case !== "open") throw invalid("first message must be OpenCursorRequest");
      cursor = new Cursor(database, msg.value, signal);
      yield done(false);
    } else {
      if (msg.case !== "command") throw invalid("expected CursorCommand after open");
      if (msg.value.command.case === "close") return;
      yield await cursor.obey(msg.value.command);
    }
  }
}

interface Step {
  /** What it is ordered by. */
  readonly key: Key;
  readonly parts: readonly TypedValue[];
  readonly id: string;
  readonly record: WireRecord;
}

class Cursor {
  readonly #database: Database;
  readonly #open: OpenCursorRequest;
  readonly #signal: AbortSignal;
  readonly #steps: Step[];
  #at = -1;

  constructor(database: Database, open: OpenCursorRequest, signal: AbortSignal) {
    this.#database = database;
    this.#open = open;
    this.#signal = signal;
    this.#steps = inDirection(open.direction, open.index === "" ? this.#ofStore() : this.#ofIndex());
  }

  async obey(command: CursorCommand["command"]): Promise<CursorResponse> {
    switch (command.case) {
      case "next":
        return this.#moveTo(this.#at + 1);
      case "advance":
        if (command.value <= 0) throw invalid("advance count must be positive");
        // A fresh cursor skips that many, as one that stands on the first record does.
        return this.#moveTo(Math.max(this.#at, 0) + command.value);
      case "continueToKey":
        return this.#continueTo(this.#targetOf(command.value.key));
      case "update":
        return this.#update(command.value);
      case "delete":
        await this.#write("delete", { id: this.#current().id });
        return done(false);
      default:
        throw invalid("unknown cursor command");
    }
  }

  #moveTo(at: number): CursorResponse {
    this.#at = Math.min(at, this.#steps.length);
    return this.#at === this.#steps.length ? done(true) : this.#entry();
  }

  #continueTo(target: Key): CursorResponse {
    const ahead = this.#isReverse ? -1 : 1;
    const current = this.#steps[this.#at];
    if (current !== undefined && compareKeys(target, current.key) * ahead <= 0) {
      throw invalid("continue key must lie ahead of the cursor");
    }
    const found = this.#steps.findIndex(({ key }, at) => at > this.#at && compareKeys(key, target) * ahead >= 0);
    return this.#moveTo(found === -1 ? this.#steps.length : found);
  }

  /** The primary key stays, whatever the new record says; so does the place in the walk. */
  async #update(given: WireRecord): Promise<CursorResponse> {
    const step = this.#current();
    const id = create(TypedValueSchema, { kind: { case: "stringValue", value: step.id } });
    const record = create(RecordSchema, { fields: Object.fromEntries([...Object.entries(given.fields), ["id", id]]) });
    await this.#write("put", { record });
    this.#steps[this.#at] = { ...step, record };
    return this.#entry();
  }

  async #write(operation: "put" | "delete", request: object): Promise<void> {
    const { store } = this.#open;
    await this.#database.perform(
      operation,
      { ...create(RecordRequestSchema, { store }), ...request } as never,
      this.#signal,
    );
  }

  #current(): Step {
    const step = this.#steps[this.#at];
    if (step === undefined) throw notFound();
    return step;
  }

  #entry(): CursorResponse {
    const { parts, id, record } = this.#current();
    const key = parts.map((value) => create(KeyValueSchema, { kind: { case: "scalar", value } }));
    const entry = create(CursorEntrySchema, { key, primaryKey: id, ...(!this.#open.keysOnly && { record }) });
    return create(CursorResponseSchema, { result: { case: "entry", value: entry } });
  }

  #targetOf(key: readonly KeyValue[]): Key {
    const parts = key.map(keyOfKeyValue);
    const [only] = parts;
    if (only === undefined) throw invalid("continue key is required");
    return this.#open.index === "" && parts.length === 1 ? only : parts;
  }

  get #isReverse(): boolean {
    return (
      this.#open.direction === CursorDirection.CURSOR_PREV ||
      this.#open.direction === CursorDirection.CURSOR_PREV_UNIQUE
    );
  }

  #ofStore(): Step[] {
    const store = this.#database.store(this.#open.store);
    return store.keys(this.#open.range).map((id) => {
      const part = create(TypedValueSchema, { kind: { case: "stringValue", value: id } });
      return { key: id, parts: [part], id, record: store.get(id) };
    });
  }

  #ofIndex(): Step[] {
    const { store: name, index, values, range } = this.#open;
    const store = this.#database.store(name);
    return store.entries(index, values, range).map((entry) => ({ ...entry, record: store.get(entry.id) }));
  }
}

/** The unique ones keep, of each key, the record with the lowest primary key. */
function inDirection(direction: CursorDirection, ascending: Step[]): Step[] {
  const isUnique = direction === CursorDirection.CURSOR_NEXT_UNIQUE || direction === CursorDirection.CURSOR_PREV_UNIQUE;
  const steps = ascending.filter(({ key }, at) => {
    const before = ascending[at - 1];
    return !isUnique || before === undefined || compareKeys(before.key, key) !== 0;
  });
  const isForward = direction === CursorDirection.CURSOR_NEXT || direction === CursorDirection.CURSOR_NEXT_UNIQUE;
  return isForward ? steps : steps.reverse();
}

function keyOfKeyValue({ kind }: KeyValue): Key {
  const key =
    kind.case === "array" ? kind.value.elements.map(keyOfKeyValue) : kind.case === "scalar" && keyOf(kind.value);
  if (key === undefined || kind.case === undefined) throw invalid("the continue key is no key");
  return key as Key;
}

function done(value: boolean): CursorResponse {
  return create(CursorResponseSchema, { result: { case: "done", value } });
}
