// How a host call ended, from wherever the answer says it: trailers, headers, the HTTP status, or a reset.
import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { GrpcCode, nameOfGrpcCode } from "../../wire/codes.ts";
import { grpcCodeFromHttpStatus } from "../grpc/http-status.ts";
import { percentDecode } from "../grpc/percent.ts";
import { grpcCodeFromResetCode } from "../grpc/reset-codes.ts";
import type { CallStatus } from "../grpc/status.ts";

const GRPC_CONTENT_TYPE = /^application\/grpc(?:$|[+;])/;

/**
 * The status in a block of headers or trailers, if there is one. gestaltd's relay writes its refusals into the headers of
 * a 200, declares them in `Trailer`, and may or may not repeat them there (reference §3), so either place counts.
 */
export function statusIn(headers: IncomingHttpHeaders): CallStatus | undefined {
  const value = single(headers["grpc-status"]);
  if (value === undefined) return undefined;
  const code = codeOf(value);
  const message = percentDecode(single(headers["grpc-message"]) ?? "");
  const details = detailsIn(single(headers["grpc-status-details-bin"]));
  return details === undefined ? { code, message } : { code, message, details };
}

/** Why an answer is none of gRPC, from its HTTP status and type; undefined when it is one. */
export function statusOfHttp(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): CallStatus | undefined {
  const isGrpc = GRPC_CONTENT_TYPE.test(headers["content-type"] ?? "");
  const http = headers[":status"] ?? 0;
  // A status that gRPC has given counts more than HTTP's (gRPC over HTTP/2, "HTTP to gRPC Status Code Mapping").
  if (isGrpc && (http === 200 || headers["grpc-status"] !== undefined)) return undefined;
  const what = isGrpc ? "" : ", which is not gRPC";
  return { code: grpcCodeFromHttpStatus(http), message: `gestaltd answered with HTTP ${http}${what}` };
}

/** A stream that was reset, or that ended without a status. */
export function statusOfReset(code: number): CallStatus {
  const grpcCode = grpcCodeFromResetCode(code);
  return { code: grpcCode, message: `gestaltd reset the call (HTTP/2 code ${code}, ${nameOfGrpcCode(grpcCode)})` };
}

/** grpc-go's answer to the same. */
export const NO_STATUS: CallStatus = { code: GrpcCode.internal, message: "gestaltd ended the call without a status" };

/** Repeated headers are joined with a comma, and then say the same twice. */
function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function codeOf(value: string): GrpcCode {
  const code = /^\d{1,2}$/.test(value) ? Number(value) : GrpcCode.unknown;
  return code <= GrpcCode.unauthenticated ? (code as GrpcCode) : GrpcCode.unknown;
}

/** Details that cannot be read are left out: code and message then have to do. */
function detailsIn(value: string | undefined): CallStatus["details"] {
  if (value === undefined) return undefined;
  try {
    return fromBinary(StatusSchema, Buffer.from(value, "base64")).details;
  } catch {
    return undefined;
  }
}
