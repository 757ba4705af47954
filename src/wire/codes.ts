// gRPC status codes and their Connect names: one table, both ways. Source: gRPC "Status codes", Connect "Error codes".

/** Connect's name of each gRPC code; the index is the gRPC number. Code 0 is no error and has no Connect name. */
const NAMES = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

export type CodeName = (typeof NAMES)[number];

/** gRPC numbers by name, for code that speaks gRPC. */
export const GrpcCode = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type GrpcCode = (typeof GrpcCode)[keyof typeof GrpcCode];

const CODES = new Map<string, GrpcCode>(NAMES.map((name, code) => [name, code as GrpcCode]));

/** The gRPC number of a Connect code name, or undefined when the name is none. */
export function grpcCodeFromName(name: string): GrpcCode | undefined {
  return name === "ok" ? undefined : CODES.get(name);
}

/** The Connect name of a gRPC number. */
export function nameOfGrpcCode(code: GrpcCode): CodeName {
  return NAMES[code];
}
