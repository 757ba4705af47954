// Connect's JSON form of an error → gRPC status. Anything may stand where a Connect error should: it is read with tolerance.
import { create } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { GrpcCode, grpcCodeFromName } from "../../wire/codes.ts";
import type { CallStatus } from "../grpc/status.ts";

/** Details beyond these are left out; nobody sends so many, and all are decoded. */
const MAX_DETAILS = 32;

const TYPE_URL_PREFIX = "type.googleapis.com/";

/** A valid but unknown code, or none, becomes `fallback`. Undefined when the value is no Connect error at all. */
export function statusFromConnectError(value: unknown, fallback: GrpcCode): CallStatus | undefined {
  if (!isRecord(value)) return undefined;
  const { code, message, details } = value;
  if (typeof code !== "string" && typeof message !== "string") return undefined;
  return {
    code: (typeof code === "string" ? grpcCodeFromName(code) : undefined) ?? fallback,
    message: typeof message === "string" ? message : "",
    details: Array.isArray(details) ? details.slice(0, MAX_DETAILS).flatMap(detailOf) : [],
  };
}

/** Parses JSON; undefined for anything that is none. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The end-of-stream message: an error, if the call failed, and trailing metadata. Undefined when it is malformed. */
export function readEndStream(bytes: Buffer): { status: CallStatus; trailers: [string, string][] } | undefined {
  const value = parseJson(bytes);
  if (!isRecord(value)) return undefined;
  const trailers = trailingMetadata(value.metadata);
  if (value.error === undefined || value.error === null)
    return { status: { code: GrpcCode.ok, message: "" }, trailers };
  const status = statusFromConnectError(value.error, GrpcCode.unknown);
  return { status: status ?? { code: GrpcCode.unknown, message: "" }, trailers };
}

function trailingMetadata(metadata: unknown): [string, string][] {
  if (!isRecord(metadata)) return [];
  const trailers: [string, string][] = [];
  for (const [name, values] of Object.entries(metadata)) {
    if (!Array.isArray(values)) continue;
    for (const value of values) if (typeof value === "string") trailers.push([name.toLowerCase(), value]);
  }
  return trailers;
}

function detailOf(detail: unknown): Any[] {
  if (!isRecord(detail) || typeof detail.type !== "string" || typeof detail.value !== "string") return [];
  return [create(AnySchema, { typeUrl: TYPE_URL_PREFIX + detail.type, value: Buffer.from(detail.value, "base64") })];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
