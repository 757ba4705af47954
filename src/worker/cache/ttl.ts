// Lifetimes: a protobuf Duration becomes whole milliseconds.
import type { Duration } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CacheTtl } from "./define.ts";

/**
 * Most seconds a Duration may have: 10,000 years (google/protobuf/duration.proto). Keeps deadlines exact in a double.
 */
const MAX_DURATION_SECONDS = 315_576_000_000n;

const NANOS_PER_MILLISECOND = 1_000_000;
const NANOS_PER_SECOND = 1_000_000_000;

/**
 * Undefined, no expiry, when absent or zero. Fractions of a millisecond round up, so that a short lifetime never turns
 * into none. Throws INVALID_ARGUMENT for what gestaltd itself refuses: negative ones, and those that are no Duration.
 */
export function ttlFromDuration(ttl: Duration | undefined): CacheTtl {
  if (ttl === undefined) return undefined;
  const { seconds, nanos } = ttl;
  if (seconds < 0n || nanos < 0) throw new ConnectError("The cache lifetime is negative.", Code.InvalidArgument);
  if (seconds > MAX_DURATION_SECONDS || nanos >= NANOS_PER_SECOND) {
    throw new ConnectError("The cache lifetime is out of range.", Code.InvalidArgument);
  }
  const milliseconds = Number(seconds) * 1000 + Math.ceil(nanos / NANOS_PER_MILLISECOND);
  return milliseconds === 0 ? undefined : milliseconds;
}
