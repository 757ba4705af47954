// BridgeService.WriteSpans: what ended in a session's worker goes where the spans of its calls go.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  BridgeService,
  type Span,
  SpanKind,
  WriteSpansRequestSchema,
  WriteSpansResponseSchema,
} from "../../gen/gestalt/edge/v1/bridge_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import type { LocalMethod } from "../channel/local.ts";
import { BridgeError } from "../errors.ts";
import { pathOf } from "../grpc/router.ts";
import type { EndedSpan, TracerSource } from "./tracer.ts";

const REPLY = toBinary(WriteSpansResponseSchema, { $typeName: WriteSpansResponseSchema.typeName });

/** The methods to add to a channel's local ones: none without a tracer, and so the worker learns that there is no use in sending. */
export function writeSpans(source: TracerSource | undefined): [path: string, method: LocalMethod][] {
  if (source === undefined) return [];
  const write = async (message: Uint8Array) => {
    source()?.record(decode(message).flatMap(checked));
    return REPLY;
  };
  return [[pathOf(BridgeService.method.writeSpans), write]];
}

function decode(message: Uint8Array): readonly Span[] {
  try {
    return fromBinary(WriteSpansRequestSchema, message).spans;
  } catch {
    throw new BridgeError(GrpcCode.invalidArgument, "not a WriteSpansRequest");
  }
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** Nothing of a span that no exporter could put into a trace. */
function checked(span: Span): EndedSpan[] {
  const traceId = idOf(span.traceId, TRACE_ID_BYTES);
  const spanId = idOf(span.spanId, SPAN_ID_BYTES);
  const parentSpanId = idOf(span.parentSpanId, SPAN_ID_BYTES);
  const startedAt = timeOf(span.startedAt);
  const endedAt = timeOf(span.endedAt);
  if (traceId === undefined || spanId === undefined || parentSpanId === undefined) return [];
  if (startedAt === undefined || endedAt === undefined) return [];
  const { name, error, attributes = {} } = span;
  const kind = span.kind === SpanKind.CLIENT ? "client" : "internal";
  return [{ traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, attributes, error }];
}

/** Zeros only are no id (W3C Trace Context §3.2.2). */
function idOf(bytes: Uint8Array, length: number): string | undefined {
  if (bytes.length !== length || bytes.every((byte) => byte === 0)) return undefined;
  return Buffer.from(bytes).toString("hex");
}

/** OTLP counts nanoseconds in 64 bits; these are the last seconds that fit. */
const MAX_SECONDS = 18_446_744_073n;
const NANOS_PER_SECOND = 1_000_000_000;

function timeOf(time: Timestamp | undefined): EndedSpan["startedAt"] | undefined {
  if (time === undefined || time.seconds < 0n || time.seconds >= MAX_SECONDS) return undefined;
  return time.nanos >= 0 && time.nanos < NANOS_PER_SECOND ? [Number(time.seconds), time.nanos] : undefined;
}
