// The `grpc-timeout` header: at most eight digits and a unit (gRPC over HTTP/2, "Timeout").

const NANOSECONDS_PER_UNIT: Readonly<Record<string, number>> = {
  H: 3_600e9,
  M: 60e9,
  S: 1e9,
  m: 1e6,
  u: 1e3,
  n: 1,
};

const NANOSECONDS_PER_MILLISECOND = 1e6;

/** Milliseconds, rounded up so that nothing ends before its time; undefined when the header is malformed. */
export function parseGrpcTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  const unit = NANOSECONDS_PER_UNIT[match?.[2] ?? ""];
  if (match === null || unit === undefined) return undefined;
  return Math.ceil((Number(match[1]) * unit) / NANOSECONDS_PER_MILLISECOND);
}
