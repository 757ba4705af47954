// The tables that turn foreign errors into gRPC codes.
import assert from "node:assert/strict";
import { constants } from "node:http2";
import { describe, it } from "node:test";
import fc from "fast-check";
import { grpcCodeFromHttpStatus } from "../../src/bridge/grpc/http-status.ts";
import { describeNodeError, grpcCodeFromNodeError, isConnectionFailure } from "../../src/bridge/grpc/node-errors.ts";
import { grpcCodeFromResetCode } from "../../src/bridge/grpc/reset-codes.ts";
import { readEndStream, statusFromConnectError } from "../../src/bridge/proxy/connect-error.ts";
import { GrpcCode } from "../../src/wire/codes.ts";

const withCode = (code: string, cause?: unknown) => Object.assign(new Error("at 10.0.0.1:443", { cause }), { code });

describe("error tables", () => {
  it("HTTP statuses are those of the Connect protocol", () => {
    const table = {
      400: 13,
      401: 16,
      403: 7,
      404: 12,
      429: 14,
      502: 14,
      503: 14,
      504: 14,
      418: 2,
      500: 2,
      200: 2,
      999: 2,
    };
    for (const [status, code] of Object.entries(table))
      assert.equal(grpcCodeFromHttpStatus(Number(status)), code, status);
  });

  it("HTTP/2 resets are those of gRPC over HTTP/2", () => {
    const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INADEQUATE_SECURITY } =
      constants;
    assert.equal(grpcCodeFromResetCode(NGHTTP2_CANCEL), GrpcCode.canceled);
    assert.equal(grpcCodeFromResetCode(NGHTTP2_REFUSED_STREAM), GrpcCode.unavailable);
    assert.equal(grpcCodeFromResetCode(NGHTTP2_ENHANCE_YOUR_CALM), GrpcCode.resourceExhausted);
    assert.equal(grpcCodeFromResetCode(NGHTTP2_INADEQUATE_SECURITY), GrpcCode.permissionDenied);
    assert.equal(grpcCodeFromResetCode(constants.NGHTTP2_PROTOCOL_ERROR), GrpcCode.internal);
    assert.equal(grpcCodeFromResetCode(0xbeef), GrpcCode.unknown);
  });

  it("errors of Node and undici are found along the causes, and described without their text", () => {
    const refused = withCode("ECONNREFUSED");
    for (const error of [
      refused,
      new Error("x", { cause: refused }),
      new AggregateError([withCode("ENETUNREACH"), refused]),
    ]) {
      assert.equal(grpcCodeFromNodeError(error), GrpcCode.unavailable);
      assert.ok(isConnectionFailure(error));
    }
    assert.equal(describeNodeError(refused), "cannot reach the worker (ECONNREFUSED)");
    assert.equal(describeNodeError(withCode("UND_ERR_SOCKET")), "the connection to the worker broke (UND_ERR_SOCKET)");
    assert.equal(grpcCodeFromNodeError(withCode("UND_ERR_ABORTED")), GrpcCode.canceled);
    assert.equal(isConnectionFailure(withCode("UND_ERR_HEADERS_TIMEOUT")), false);
    assert.equal(isConnectionFailure(withCode("UND_ERR_INVALID_ARG")), false);
    assert.equal(grpcCodeFromNodeError("no error at all"), GrpcCode.unavailable);
    const reset = Object.assign(new Error("Stream closed with error code NGHTTP2_REFUSED_STREAM"), {
      code: "ERR_HTTP2_STREAM_ERROR",
    });
    assert.equal(grpcCodeFromNodeError(reset), GrpcCode.unavailable);
    const circular = new Error("a");
    circular.cause = new Error("b", { cause: circular });
    assert.equal(grpcCodeFromNodeError(circular), GrpcCode.unavailable);
  });

  it("Connect errors are read with tolerance, whatever they are", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const status = statusFromConnectError(value, GrpcCode.unknown);
        if (status !== undefined) assert.ok(status.code >= 1 && status.code <= 16);
        const end = readEndStream(Buffer.from(JSON.stringify({ error: value, metadata: value })));
        assert.ok(end !== undefined && end.status.code >= 0 && end.status.code <= 16);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        readEndStream(Buffer.from(bytes));
      }),
    );
    assert.equal(statusFromConnectError({ code: "ok", message: "m" }, GrpcCode.unknown)?.code, GrpcCode.unknown);
    const many = { code: "internal", details: Array(100).fill({ type: "a.B", value: "" }) };
    assert.equal(statusFromConnectError(many, GrpcCode.unknown)?.details?.length, 32);
  });
});
