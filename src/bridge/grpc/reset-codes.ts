// HTTP/2 reset code → gRPC code. Source: gRPC over HTTP/2, "HTTP2 Transport Mapping", Errors.
import { constants } from "node:http2";
import { GrpcCode } from "../../wire/codes.ts";

const CODES: ReadonlyMap<number, GrpcCode> = new Map([
  [constants.NGHTTP2_NO_ERROR, GrpcCode.internal],
  [constants.NGHTTP2_PROTOCOL_ERROR, GrpcCode.internal],
  [constants.NGHTTP2_INTERNAL_ERROR, GrpcCode.internal],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, GrpcCode.internal],
  [constants.NGHTTP2_SETTINGS_TIMEOUT, GrpcCode.internal],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, GrpcCode.internal],
  [constants.NGHTTP2_REFUSED_STREAM, GrpcCode.unavailable],
  [constants.NGHTTP2_CANCEL, GrpcCode.canceled],
  [constants.NGHTTP2_COMPRESSION_ERROR, GrpcCode.internal],
  [constants.NGHTTP2_CONNECT_ERROR, GrpcCode.internal],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, GrpcCode.resourceExhausted],
  [constants.NGHTTP2_INADEQUATE_SECURITY, GrpcCode.permissionDenied],
]);

export function grpcCodeFromResetCode(code: number): GrpcCode {
  return CODES.get(code) ?? GrpcCode.unknown;
}
