// Between the protocol's instants and an author's.
import { create } from "@bufbuild/protobuf";
import { TimestampSchema, type Timestamp as WireTimestamp } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { NANOSECONDS_PER_MILLISECOND, Timestamp } from "../host/indexeddb/timestamp.ts";
import { invalid } from "./checks.ts";

/** What protobuf's Timestamp allows, in milliseconds. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00Z");
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");
const NANOSECONDS_PER_SECOND = 1_000_000_000;

export function timeFrom(time: WireTimestamp | undefined, field: string): Date | undefined {
  if (time === undefined) return undefined;
  const { seconds, nanos } = time;
  const milliseconds = Number(seconds) * 1000 + Math.floor(nanos / NANOSECONDS_PER_MILLISECOND);
  if (nanos < 0 || nanos >= NANOSECONDS_PER_SECOND || !isTime(milliseconds)) {
    throw invalid(`${field} is no instant of the years 1 to 9999.`);
  }
  const beyond = nanos % NANOSECONDS_PER_MILLISECOND;
  return beyond === 0 ? new Date(milliseconds) : new Timestamp(milliseconds, beyond);
}

/** Throws INTERNAL for what a provider should not have answered: protobuf would refuse it, and gestaltd all that it is in. */
export function timeTo(time: Date | undefined, field: string): WireTimestamp | undefined {
  if (time === undefined) return undefined;
  const milliseconds = time.getTime();
  if (!isTime(milliseconds)) throw new ConnectError(`The provider answered with no valid ${field}.`, Code.Internal);
  const seconds = Math.floor(milliseconds / 1000);
  const beyond = time instanceof Timestamp ? time.nanoseconds : 0;
  const nanos = (milliseconds - seconds * 1000) * NANOSECONDS_PER_MILLISECOND + beyond;
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

function isTime(milliseconds: number): boolean {
  return milliseconds >= EARLIEST_MS && milliseconds <= LATEST_MS;
}
