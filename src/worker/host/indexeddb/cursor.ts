// A cursor: the place of a walk that gestaltd keeps, and the steps it takes on command.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code } from "@connectrpc/connect";
import {
  type CursorClientMessage,
  CursorClientMessageSchema,
  CursorCommandSchema,
  type CursorEntry,
  type CursorResponse,
  type OpenCursorRequestSchema,
  CursorDirection as WireDirection,
} from "../../../gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import type { IndexedDB as Service } from "../../../gen/gestalt/provider/v1/indexeddb_pb.ts";
import { FailedPreconditionError, NotFoundError } from "../errors.ts";
import type { HostLink } from "../link.ts";
import { Conversation, withSignal } from "./conversation.ts";
import type { Cursor, CursorDirection, CursorOptions, TargetKey, Updated } from "./cursor-types.ts";
import { invalid, malformed } from "./errors.ts";
import { decodeKeyValue, encodeTarget } from "./keys.ts";
import { decodeRecord, encodeRecord, type StoredRecord } from "./records.ts";
import type { Columns } from "./schema.ts";

type OpenRequest = MessageInitShape<typeof OpenCursorRequestSchema>;
type Command = NonNullable<Extract<MessageInitShape<typeof CursorCommandSchema>, { $typeName?: never }>["command"]>;
type Talk = Conversation<CursorClientMessage, CursorResponse>;

/** Makes the cursors of one store and of its indexes. `Key` is what `open` orders by. */
export type CursorFactory<T extends StoredRecord> = <Key>(
  open: OpenRequest,
  options: Omit<CursorOptions, "range">,
) => Cursor<T, Key>;

export function cursorFactory<T extends StoredRecord>(
  link: HostLink,
  calls: Client<typeof Service>,
  columns: Columns,
): CursorFactory<T> {
  return (open, { direction = "next", ...limits }) => {
    const talk: Talk = new Conversation((requests, given) =>
      calls.openCursor(requests, withSignal(link.options(limits), given)),
    );
    return new CursorClient(talk, { ...open, direction: directionOf(direction) }, columns);
  };
}

/** Where a cursor stands. */
type Place<T, Key> =
  | { readonly at: "start" | "end" }
  | { readonly at: "record"; readonly key: Key; readonly primaryKey: string; readonly value: T | undefined };

class CursorClient<T extends StoredRecord, Key> implements Cursor<T, Key> {
  readonly #talk: Talk;
  readonly #open: OpenRequest;
  readonly #columns: Columns;
  #opened: Promise<void> | undefined;
  #place: Place<T, Key> = { at: "start" };
  /** Why nothing more can be done with it. */
  #over: Error | undefined;
  /** What the author asked for last; the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  /** A step that the author has taken in this turn of a loop. */
  #step: Promise<boolean> | undefined;

  constructor(talk: Talk, open: OpenRequest, columns: Columns) {
    this.#talk = talk;
    this.#open = open;
    this.#columns = columns;
  }

  get key(): Key {
    return this.#current().key;
  }

  get primaryKey(): string {
    return this.#current().primaryKey;
  }

  get value(): T {
    const { value } = this.#current();
    if (value === undefined) throw failed("value not available on key-only cursor");
    return value;
  }

  get done(): boolean {
    return this.#place.at === "end" || this.#over !== undefined;
  }

  continue(key?: TargetKey<Key>): Promise<boolean> {
    if (key !== undefined) return this.continueToKey(key);
    return this.#stepping(() => this.#move({ case: "next", value: true }));
  }

  continueToKey(key: TargetKey<Key>): Promise<boolean> {
    return this.#stepping(() => this.#move({ case: "continueToKey", value: { key: encodeTarget(key) } }));
  }

  advance(count: number): Promise<boolean> {
    return this.#stepping(async () => {
      if (!Number.isSafeInteger(count) || count < 1) throw invalid("advance count must be positive");
      for (let left = count; left > 0; left -= 1) if (!(await this.#move({ case: "next", value: true }))) return false;
      return true;
    });
  }

  update(record: Updated<T>): Promise<void> {
    return this.#inTurn(async () => {
      const place = this.#current();
      const { id = place.primaryKey } = record;
      if (id !== place.primaryKey) throw invalid("a cursor cannot change the primary key of a record");
      const update = encodeRecord({ ...record, id }, this.#columns);
      const result = await this.#command({ case: "update", value: update });
      // gestaltd sends the entry; the protocol lets others just acknowledge.
      if (result.case === "entry") this.#place = this.#placeOf(result.value);
      else if (result.value === false) this.#place = { ...place, value: decodeRecord(update) };
      else throw this.#protocolBroken("update");
    });
  }

  delete(): Promise<void> {
    return this.#inTurn(async () => {
      this.#current();
      const result = await this.#command({ case: "delete", value: true });
      if (result.case !== "done" || result.value) throw this.#protocolBroken("delete");
    });
  }

  close(): void {
    if (this.#over !== undefined) return;
    this.#over = failed("the cursor is closed");
    this.#talk.end(CLOSE);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Cursor<T, Key>, void, undefined> {
    try {
      while (await (this.#step ?? this.continue())) {
        this.#step = undefined;
        yield this;
      }
    } finally {
      this.close();
    }
  }

  #stepping(step: () => Promise<boolean>): Promise<boolean> {
    const moved = this.#inTurn(step);
    this.#step = moved;
    // A loop that is left before its next turn never looks at it.
    moved.catch(() => {});
    return moved;
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const result = this.#last.then(() => {
      if (this.#over !== undefined) throw this.#over;
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #move(command: Command): Promise<boolean> {
    if (this.#place.at === "end") return false;
    const result = await this.#command(command);
    if (result.case === "entry") {
      this.#place = this.#placeOf(result.value);
      return true;
    }
    if (result.case !== "done" || !result.value) throw this.#protocolBroken("step");
    this.#place = { at: "end" };
    // Nothing more can come of it, so whoever walks without a loop need not close it.
    this.#talk.end(CLOSE);
    return false;
  }

  async #command(command: Command): Promise<CursorResponse["result"]> {
    try {
      this.#opened ??= this.#begin();
      await this.#opened;
      return (await this.#talk.ask(message({ case: "command", value: create(CursorCommandSchema, { command }) })))
        .result;
    } catch (error) {
      this.#over ??= error as Error;
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { result } = await this.#talk.ask(
      create(CursorClientMessageSchema, { msg: { case: "open", value: this.#open } }),
    );
    if (result.case !== "done" || result.value) throw this.#protocolBroken("open");
  }

  #current(): Place<T, Key> & { at: "record" } {
    if (this.#place.at === "record" && this.#over === undefined) return this.#place;
    throw new NotFoundError("indexedDB", Code.NotFound, "the cursor stands on no record");
  }

  #placeOf({ key, primaryKey, record }: CursorEntry): Place<T, Key> {
    const parts = key.map(decodeKeyValue);
    return {
      at: "record",
      key: (this.#open.index === undefined ? (parts[0] ?? primaryKey) : parts) as Key,
      primaryKey,
      value: record && decodeRecord<T>(record),
    };
  }

  #protocolBroken(to: string): Error {
    this.#over = malformed(`something that is no answer to a cursor's ${to}`);
    this.#talk.cancel(this.#over);
    return this.#over;
  }
}

const CLOSE = message({
  case: "command",
  value: create(CursorCommandSchema, { command: { case: "close", value: true } }),
});

function message(msg: CursorClientMessage["msg"]): CursorClientMessage {
  return create(CursorClientMessageSchema, { msg });
}

function failed(text: string): FailedPreconditionError {
  return new FailedPreconditionError("indexedDB", Code.FailedPrecondition, text);
}

const DIRECTIONS: { readonly [Name in CursorDirection]: WireDirection } = {
  next: WireDirection.CURSOR_NEXT,
  nextunique: WireDirection.CURSOR_NEXT_UNIQUE,
  prev: WireDirection.CURSOR_PREV,
  prevunique: WireDirection.CURSOR_PREV_UNIQUE,
};

function directionOf(name: CursorDirection): WireDirection {
  if (!Object.hasOwn(DIRECTIONS, name))
    throw invalid(`a cursor walks "${Object.keys(DIRECTIONS).join('", "')}"; not "${name}"`);
  return DIRECTIONS[name];
}
