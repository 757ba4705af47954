// IndexedDB.OpenCursor: a walk through a store or an index, step by step (reference §4.7, "Cursor stream").
import { create, toBinary } from "@bufbuild/protobuf";
import {
  CursorClientMessageSchema,
  type CursorCommand,
  CursorCommandSchema,
  CursorDirection,
  CursorEntrySchema,
  type CursorKeyTarget,
  CursorResponseSchema,
  type OpenCursorRequest,
} from "../../../gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import type { Record as WireRecord } from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import type { ProviderRequest } from "../../call.ts";
import type { CursorDirection as Direction } from "../../host/indexeddb/cursor-types.ts";
import { decode } from "../../serving/decode.ts";
import type { IndexedDBHandlers } from "../define.ts";
import { invalid, notFound } from "../errors.ts";
import { indexInterval, only, storeBound, storeInterval } from "../model/intervals.ts";
import { decodeIndexKey, decodePrimaryKey } from "../model/key-decoding.ts";
import { encodeKeys } from "../model/key-encoding.ts";
import { keyFrom, keyValueOf } from "../model/key-values.ts";
import { fieldAt } from "../model/wire-reader.ts";
import { field } from "../model/wire-writer.ts";
import { indexName, storeName } from "../names.ts";
import type { IndexedDBCursorInput, IndexedDBEntry } from "../objects.ts";
import { updatedRow } from "../records.ts";
import { join, withinLimit } from "../replies.ts";
import type { Answer, Conversation } from "./stream-socket.ts";
import { Walk } from "./walk.ts";

interface Opened {
  readonly input: IndexedDBCursorInput;
  readonly walk: Walk;
}

export class CursorConversation<Config> implements Conversation {
  readonly #handlers: IndexedDBHandlers<Config>;
  readonly #request: ProviderRequest<Config>;
  readonly #idleMs: number;
  #opened: Opened | undefined;

  constructor(handlers: IndexedDBHandlers<Config>, request: ProviderRequest<Config>, idleMs: number) {
    this.#handlers = handlers;
    this.#request = request;
    this.#idleMs = idleMs;
  }

  async receive(bytes: Uint8Array): Promise<Answer> {
    const { msg } = decode(CursorClientMessageSchema, bytes);
    if (this.#opened === undefined) {
      if (msg.case !== "open") throw invalid("first message must be OpenCursorRequest");
      this.#opened = await this.#open(msg.value);
      return done(false);
    }
    if (msg.case !== "command") throw invalid("expected CursorCommand after open");
    return this.#obey(this.#opened, msg.value.command, fieldAt(bytes, COMMAND, UPDATE));
  }

  async close(): Promise<void> {
    await this.#opened?.walk.close();
  }

  async #open(open: OpenCursorRequest): Promise<Opened> {
    const input = inputFrom(open, this.#idleMs);
    const cursor = await this.#handlers.openCursor(input, this.#request);
    return { input, walk: new Walk(cursor, input) };
  }

  async #obey(
    { input, walk }: Opened,
    command: CursorCommand["command"],
    encoded: Uint8Array | undefined,
  ): Promise<Answer> {
    switch (command.case) {
      case "next":
        return stepped(input, await walk.next());
      case "advance":
        return stepped(input, await walk.advance(command.value));
      case "continueToKey":
        return stepped(input, await walk.continueTo(targetOf(input, command.value)));
      case "update":
        return this.#update(input, walk, command.value, encoded);
      case "delete":
        return this.#delete(input, walk);
      case "close":
        return { messages: [], over: true };
      default:
        throw invalid("unknown cursor command");
    }
  }

  async #update(
    { store, ...input }: IndexedDBCursorInput,
    walk: Walk,
    record: WireRecord,
    encoded: Uint8Array | undefined,
  ): Promise<Answer> {
    if (walk.current === undefined) throw notFound();
    const row = updatedRow(record, encoded, walk.current.primaryKey);
    await this.#handlers.put({ store, row }, this.#request);
    return stepped({ store, ...input }, walk.replace(row.record));
  }

  async #delete({ store }: IndexedDBCursorInput, walk: Walk): Promise<Answer> {
    if (walk.current === undefined) throw notFound();
    await this.#handlers.delete({ store, fields: 0, ...only(walk.current.primaryKey) }, this.#request);
    return done(false);
  }
}

const COMMAND = CursorClientMessageSchema.field.command.number;
const UPDATE = CursorCommandSchema.field.update.number;
const ENTRY = CursorResponseSchema.field.entry.number;
const ENTRY_RECORD = CursorEntrySchema.field.record.number;

const DIRECTIONS: Readonly<Record<number, Direction | undefined>> = {
  [CursorDirection.CURSOR_NEXT]: "next",
  [CursorDirection.CURSOR_NEXT_UNIQUE]: "nextunique",
  [CursorDirection.CURSOR_PREV]: "prev",
  [CursorDirection.CURSOR_PREV_UNIQUE]: "prevunique",
};

function inputFrom(open: OpenCursorRequest, idleMs: number): IndexedDBCursorInput {
  const { store, index, values, range, keysOnly } = open;
  const direction = DIRECTIONS[open.direction];
  if (direction === undefined) throw invalid(`There is no cursor direction ${open.direction}.`);
  if (index === "" && values.length > 0) throw invalid("Values are for a cursor on an index.");
  const common = { store: storeName(store), direction, keysOnly, fields: values.length, idleMs };
  if (index === "") return { ...common, ...storeInterval(range) };
  return { ...common, index: indexName(index), ...indexInterval(values, range) };
}

function targetOf({ index }: IndexedDBCursorInput, { key }: CursorKeyTarget): Uint8Array {
  if (key.length === 0) throw invalid("continue key is required");
  const what = "The continue key";
  const [only, ...more] = key.map((part) => keyFrom(part, what));
  const parts = only === undefined ? more : [only, ...more];
  if (index !== undefined) return encodeKeys(parts, what);
  return storeBound(only === undefined || more.length > 0 ? parts : only);
}

function stepped({ index, keysOnly }: IndexedDBCursorInput, entry: IndexedDBEntry | undefined): Answer {
  if (entry === undefined) return done(true);
  const { key, kinds, record } = entry;
  const primaryKey = decodePrimaryKey(entry.primaryKey);
  const parts = index === undefined ? [primaryKey] : decodeIndexKey(key, kinds);
  const place = toBinary(CursorEntrySchema, create(CursorEntrySchema, { key: parts.map(keyValueOf), primaryKey }));
  const whole = keysOnly || record === undefined ? place : join(place, field(ENTRY_RECORD, record));
  return { messages: [withinLimit(field(ENTRY, whole))], over: false };
}

function done(value: boolean): Answer {
  const response = create(CursorResponseSchema, { result: { case: "done", value } });
  return { messages: [toBinary(CursorResponseSchema, response)], over: false };
}
