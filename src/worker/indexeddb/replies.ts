// Answers of the sixteen operations as messages of the protocol, records in the bytes they were stored in.
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  CountResponseSchema,
  DeleteResponseSchema,
  KeyResponseSchema,
  KeysResponseSchema,
  RecordResponseSchema,
  RecordsResponseSchema,
} from "../../gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import { TransactionOperationResponseSchema } from "../../gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { decodePrimaryKey } from "./model/key-decoding.ts";
import { field, repeated } from "./model/wire-writer.ts";

export type Reply =
  | { readonly case: "empty" }
  | { readonly case: "record"; readonly record: Uint8Array }
  | { readonly case: "records"; readonly records: readonly Uint8Array[] }
  | { readonly case: "key"; readonly key: Uint8Array }
  | { readonly case: "keys"; readonly keys: readonly Uint8Array[] }
  | { readonly case: "count"; readonly count: number }
  | { readonly case: "delete"; readonly deleted: number };

/** The message of the unary method. Throws RESOURCE_EXHAUSTED when it is larger than gestaltd takes. */
export function encodeReply(reply: Reply): Uint8Array {
  return withinLimit(encode(reply));
}

const RESULTS = TransactionOperationResponseSchema.field;

/** `TransactionOperationResponse` with the message of the unary method in it. */
export function encodeOperationReply(requestId: bigint, reply: Reply): Uint8Array {
  const head = toBinary(TransactionOperationResponseSchema, create(TransactionOperationResponseSchema, { requestId }));
  return join(head, field(RESULTS[reply.case].number, encode(reply)));
}

export function withinLimit(message: Uint8Array): Uint8Array {
  if (message.byteLength <= MAX_MESSAGE_BYTES) return message;
  throw new ConnectError(
    `The answer is over ${MAX_MESSAGE_BYTES.toLocaleString("en-US")} bytes, which is the most gestaltd takes: read less ` +
      "at a time, with a range or a cursor.",
    Code.ResourceExhausted,
  );
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function encode(reply: Reply): Uint8Array {
  switch (reply.case) {
    case "empty":
      return new Uint8Array();
    case "record":
      return field(RecordResponseSchema.field.record.number, reply.record);
    case "records":
      return repeated(RecordsResponseSchema.field.records.number, reply.records);
    case "key":
      return message(KeyResponseSchema, { key: decodePrimaryKey(reply.key) });
    case "keys":
      return message(KeysResponseSchema, { keys: reply.keys.map(decodePrimaryKey) });
    case "count":
      return message(CountResponseSchema, { count: BigInt(reply.count) });
    case "delete":
      return message(DeleteResponseSchema, { deleted: BigInt(reply.deleted) });
  }
}

function message<Schema extends DescMessage>(schema: Schema, init: MessageInitShape<Schema>): Uint8Array {
  return toBinary(schema, create(schema, init));
}
