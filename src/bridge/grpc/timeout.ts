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
const MILLISECONDS_PER_SECOND = 1000;

/** Most digits of a value, as a number. */
const MAX_VALUE = 99_999_999;

/** Milliseconds, rounded up so that nothing ends before its time; undefined when the header is malformed. */
export function parseGrpcTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  const unit = NANOSECONDS_PER_UNIT[match?.[2] ?? ""];
  if (match === null || unit === undefined) return undefined;
  return Math.ceil((Number(match[1]) * unit) / NANOSECONDS_PER_MILLISECOND);
}

/** Whole milliseconds, or seconds for more than a day; rounded up, since we watch the deadline ourselves. */
export function formatGrpcTimeout(milliseconds: number): string {
  const whole = Math.max(1, Math.ceil(milliseconds));
  if (whole <= MAX_VALUE) return `${whole}m`;
  return `${Math.min(Math.ceil(whole / MILLISECONDS_PER_SECOND), MAX_VALUE)}S`;
}
