// The records that the databases of the bench hold. The worker that fills a store and the clients that ask for what is in
// it make them alike, so this runs on both sides.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RecordSchema, type TypedValueSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";

/** Start of the name of a store that the worker fills when it makes it; the number of records follows. */
export const STORE_PREFIX = "people-";

/** Index on `rank`: each record has one of its own, in another order than the primary keys have. */
export const BY_RANK = "by_rank";

/** Index on `team`: each has a tenth of all records, however many there are. */
export const BY_TEAM = "by_team";
export const TEAMS = 10;

export interface Person {
  readonly id: string;
  readonly rank: number;
  readonly team: string;
  /** All of it, in the bytes of the protocol. */
  readonly record: Uint8Array;
}

/**
 * The record with this number of a store of `count`. One that has moved has half a rank more: another key of the index,
 * with the same records before it.
 */
export function personOf(at: number, count: number, moved = false): Person {
  const id = idOf(at);
  const rank = ((at * SCATTER) % count) + (moved ? 0.5 : 0);
  const team = teamOf(at % TEAMS);
  const fields = { id: text(id), rank: double(rank), team: text(team), note: text(NOTE) };
  return { id, rank, team, record: toBinary(RecordSchema, create(RecordSchema, { fields })) };
}

export function idOf(at: number): string {
  return `person-${String(at).padStart(ID_DIGITS, "0")}`;
}

export function teamOf(number: number): string {
  return `team-${number}`;
}

/** A prime, and no divisor of any store's size: so its multiples run through all ranks. */
const SCATTER = 7_919;

/** So that texts order as numbers do. */
const ID_DIGITS = 6;

/** Makes a record some 235 bytes long. */
const NOTE = "x".repeat(160);

type Value = MessageInitShape<typeof TypedValueSchema>;

export function text(value: string): Value {
  return { kind: { case: "stringValue", value } };
}

export function double(value: number): Value {
  return { kind: { case: "floatValue", value } };
}
