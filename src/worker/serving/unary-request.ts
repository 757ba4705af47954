// Binary unary requests in all their shapes: the message as the body or in the query of a GET, plain or gzipped.
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { readBody } from "./body.ts";
import { gzip } from "./gzip.ts";
import type { ServedMethod } from "./method-table.ts";

/** Whether a request is one. Another encoding than gzip is for the generic router to refuse. */
export function isBinaryUnary({ desc }: ServedMethod, request: Request): boolean {
  if (desc.methodKind !== "unary") return false;
  if (request.method === "POST") {
    const type = request.headers.get("content-type");
    return type?.toLowerCase() === "application/proto" && isKnown(request.headers.get("content-encoding"));
  }
  if (request.method !== "GET" || desc.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return false;
  const query = queryOf(request);
  return query.get("encoding") === "proto" && isKnown(query.get("compression"));
}

/** The bytes of the message. Throws RESOURCE_EXHAUSTED over the limit, INVALID_ARGUMENT for damaged gzip or base64. */
export async function readMessage(request: Request): Promise<Uint8Array> {
  if (request.method === "POST") {
    const body = await readBody(request, MAX_MESSAGE_BYTES);
    return inflated(body, request.headers.get("content-encoding"));
  }
  const query = queryOf(request);
  const message = query.get("message") ?? "";
  const bytes = query.get("base64") === "1" ? fromBase64(message) : new TextEncoder().encode(message);
  return inflated(bytes, query.get("compression"));
}

function isKnown(encoding: string | null): boolean {
  return encoding === null || encoding === "identity" || encoding === gzip.name;
}

async function inflated(bytes: Uint8Array, encoding: string | null): Promise<Uint8Array> {
  return encoding === gzip.name ? gzip.decompress(bytes as Uint8Array<ArrayBuffer>, MAX_MESSAGE_BYTES) : bytes;
}

function queryOf(request: Request): URLSearchParams {
  return new URL(request.url).searchParams;
}

/** The Connect protocol's base64: URL-safe, padding optional. */
function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (unit) => unit.charCodeAt(0));
  } catch {
    throw new ConnectError("The query's message is not base64.", Code.InvalidArgument);
  }
}
