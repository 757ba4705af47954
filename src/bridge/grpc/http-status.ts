// HTTP status → gRPC code, for answers that are not Connect errors. Source: Connect protocol, "HTTP to Error Code".
import { GrpcCode } from "../../wire/codes.ts";

const CODES: ReadonlyMap<number, GrpcCode> = new Map([
  [400, GrpcCode.internal],
  [401, GrpcCode.unauthenticated],
  [403, GrpcCode.permissionDenied],
  [404, GrpcCode.unimplemented],
  [429, GrpcCode.unavailable],
  [502, GrpcCode.unavailable],
  [503, GrpcCode.unavailable],
  [504, GrpcCode.unavailable],
]);

export function grpcCodeFromHttpStatus(status: number): GrpcCode {
  return CODES.get(status) ?? GrpcCode.unknown;
}
