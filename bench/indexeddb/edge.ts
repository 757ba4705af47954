// The same records behind the bridge: one gRPC call, or one step of a stream, for each task.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CursorClientMessageSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import {
  CountResponseSchema,
  CreateObjectStoreRequestSchema,
  IndexQueryRequestSchema,
  ObjectStoreRangeRequestSchema,
  ObjectStoreRequestSchema,
  RecordRequestSchema,
} from "../../src/gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import {
  TransactionClientMessageSchema,
  TransactionMode,
  TransactionServerMessageSchema,
} from "../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import { RecordSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import type { Conversation, GrpcClient } from "../grpc-client.ts";
import { BY_RANK, BY_TEAM, double, idOf, personOf, STORE_PREFIX, TEAMS, teamOf, text } from "./people.ts";
import type { Rival, Task } from "./work.ts";

export class Edge implements Rival {
  readonly count: number;
  readonly speed = 1;
  readonly #grpc: GrpcClient;
  readonly #store: string;
  /** Cursors that nobody waits for, by the index they are on. */
  readonly #cursors = new Map<string, Conversation[]>();

  private constructor(grpc: GrpcClient, count: number) {
    this.#grpc = grpc;
    this.count = count;
    this.#store = `${STORE_PREFIX}${count}`;
  }

  /** Makes the store, which the worker of the bench fills. */
  static async open(grpc: GrpcClient, count: number): Promise<Edge> {
    const edge = new Edge(grpc, count);
    const indexes = [
      { name: BY_RANK, keyPath: ["rank"] },
      { name: BY_TEAM, keyPath: ["team"] },
    ];
    const request = create(CreateObjectStoreRequestSchema, { name: edge.#store, schema: { indexes } });
    await grpc.unary(pathOf("createObjectStore"), toBinary(CreateObjectStoreRequestSchema, request));
    return edge;
  }

  get(at: number): Task {
    const request = create(ObjectStoreRequestSchema, { store: this.#store, id: idOf(at) });
    return this.#call("get", toBinary(ObjectStoreRequestSchema, request));
  }

  put(at: number, moved: boolean): Task {
    const request = create(RecordRequestSchema, this.#row(at, moved));
    return this.#call("put", toBinary(RecordRequestSchema, request));
  }

  range(from: number, records: number): Task {
    return this.#call("getAll", this.#interval(from, records));
  }

  rankRange(from: number, records: number): Task {
    const range = { lower: double(from), upper: double(from + records), upperOpen: true };
    return this.#query("indexGetAll", { index: BY_RANK, range });
  }

  ofRank(rank: number): Task {
    return this.#query("indexGet", { index: BY_RANK, range: { lower: double(rank), upper: double(rank + 1) } });
  }

  ofTeam(team: number): Task {
    return this.#query("indexGet", { index: BY_TEAM, values: [text(teamOf(team % TEAMS))] });
  }

  countRange(from: number, records: number): Task {
    const request = this.#interval(from, records);
    return async () => Number(fromBinary(CountResponseSchema, await this.#grpc.unary(pathOf("count"), request)).count);
  }

  step(): Task {
    return () => this.#step("");
  }

  rankStep(): Task {
    return () => this.#step(BY_RANK);
  }

  transaction(ats: readonly number[], moved: boolean): Task {
    const half = ats.length / 2;
    const operations = ats.map((at, number) => {
      const requestId = BigInt(number + 1);
      const get = { case: "get" as const, value: { store: this.#store, id: idOf(at) } };
      const put = { case: "put" as const, value: this.#row(at, moved) };
      return message({ case: "operation", value: { requestId, operation: number < half ? get : put } });
    });
    const mode = TransactionMode.TRANSACTION_READWRITE;
    const all = [message({ case: "begin", value: { stores: [this.#store], mode } }), ...operations, COMMIT];
    return () => this.#transact(all);
  }

  async settle(): Promise<void> {
    const open = [...this.#cursors.values()].flat();
    this.#cursors.clear();
    await Promise.all(open.map((cursor) => cursor.end()));
  }

  #row(at: number, moved: boolean) {
    return { store: this.#store, record: fromBinary(RecordSchema, personOf(at, this.count, moved).record) };
  }

  #interval(from: number, records: number): Uint8Array {
    const range = { lower: text(idOf(from)), upper: text(idOf(from + records)), upperOpen: true };
    const request = create(ObjectStoreRangeRequestSchema, { store: this.#store, range });
    return toBinary(ObjectStoreRangeRequestSchema, request);
  }

  #query(method: "indexGet" | "indexGetAll", query: MessageInitShape<typeof IndexQueryRequestSchema>): Task {
    const request = create(IndexQueryRequestSchema, { ...query, store: this.#store } as typeof query);
    return this.#call(method, toBinary(IndexQueryRequestSchema, request));
  }

  #call(method: Method, request: Uint8Array): Task {
    const path = pathOf(method);
    return async () => (await this.#grpc.unary(path, request)).byteLength;
  }

  async #step(index: string): Promise<number> {
    const free = this.#cursors.get(index) ?? [];
    this.#cursors.set(index, free);
    const cursor = free.pop() ?? (await this.#openCursor(index));
    const answer = await cursor.ask(NEXT);
    // At the end: `done`, which has two bytes.
    if (answer.byteLength > 2) {
      free.push(cursor);
      return answer.byteLength;
    }
    await cursor.end();
    return this.#step(index);
  }

  async #openCursor(index: string): Promise<Conversation> {
    const cursor = this.#grpc.converse(pathOf("openCursor"));
    const open = create(CursorClientMessageSchema, { msg: { case: "open", value: { store: this.#store, index } } });
    await cursor.ask(toBinary(CursorClientMessageSchema, open));
    return cursor;
  }

  async #transact(messages: readonly Uint8Array[]): Promise<number> {
    const transaction = this.#grpc.converse(pathOf("transaction"));
    let bytes = 0;
    let answer: Uint8Array = new Uint8Array();
    for (const each of messages) {
      answer = await transaction.ask(each);
      bytes += answer.byteLength;
    }
    await transaction.end();
    const { msg } = fromBinary(TransactionServerMessageSchema, answer);
    if (msg.case !== "commit" || msg.value.error !== undefined) throw new Error("a transaction was not committed");
    return bytes;
  }
}

type Method = keyof (typeof IndexedDB)["method"];

function pathOf(method: Method): string {
  return `/${IndexedDB.typeName}/${IndexedDB.method[method].name}`;
}

type TransactionMessage = Extract<MessageInitShape<typeof TransactionClientMessageSchema>, { $typeName?: never }>;

function message(msg: NonNullable<TransactionMessage["msg"]>): Uint8Array {
  return toBinary(TransactionClientMessageSchema, create(TransactionClientMessageSchema, { msg }));
}

const COMMIT = message({ case: "commit", value: {} });

const NEXT = toBinary(
  CursorClientMessageSchema,
  create(CursorClientMessageSchema, { msg: { case: "command", value: { command: { case: "next", value: true } } } }),
);
