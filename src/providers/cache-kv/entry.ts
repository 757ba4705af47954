/// <reference lib="esnext.typedarrays" />
// How one cache entry lies in KV: value bytes in a form a bulk read can return, deadline and form in the metadata.
import * as z from "zod/mini";
import { MAX_EXPIRATION_TTL_SECONDS, MAX_TEXT_BYTES, MIN_EXPIRATION_TTL_SECONDS } from "./limits.ts";

/**
 * `text`: the bytes are UTF-8 and lie there as they are. `base64`: they are not. `binary`: too large for either, lie
 * there as they are, and a bulk read cannot return them.
 */
export type Form = "text" | "base64" | "binary";

const metadataSchema = z.object({
  form: z.enum(["text", "base64", "binary"]),
  /** Milliseconds since the epoch from which on the entry no longer exists; absent when it does not expire. */
  deadline: z.optional(z.number()),
});

export type Metadata = z.infer<typeof metadataSchema>;

/** An entry without metadata was put there by hand (`wrangler kv key put`): bytes as they are, no deadline of ours. */
const FOREIGN: Metadata = { form: "binary" };

export function parseMetadata(metadata: unknown): Metadata {
  const parsed = metadataSchema.safeParse(metadata);
  return parsed.success ? parsed.data : FOREIGN;
}

export function isExpired({ deadline }: Metadata, now: number): boolean {
  return deadline !== undefined && deadline <= now;
}

/** `deadline`, if there is one, added to what stays the same. */
export function metadataOf(form: Form, ttl: number | undefined, now: number): Metadata {
  return ttl === undefined ? { form } : { form, deadline: now + ttl };
}

/**
 * KV's own expiry, which only sweeps up: never before our deadline, so the least KV takes for a shorter lifetime and a
 * second more because KV counts whole ones. None for lifetimes beyond what KV can count.
 */
export function putOptions(metadata: Metadata, ttl: number | undefined): KVNamespacePutOptions {
  if (ttl === undefined) return { metadata };
  const seconds = Math.max(MIN_EXPIRATION_TTL_SECONDS, Math.ceil(ttl / 1000) + 1);
  return seconds > MAX_EXPIRATION_TTL_SECONDS ? { metadata } : { metadata, expirationTtl: seconds };
}

/** The stored form of some bytes. */
export function encode(bytes: Uint8Array): { readonly form: Form; readonly stored: string | Uint8Array } {
  if (bytes.byteLength > MAX_TEXT_BYTES) return { form: "binary", stored: bytes };
  const text = exactText(bytes);
  return text === undefined ? { form: "base64", stored: bytes.toBase64() } : { form: "text", stored: text };
}

/** Bytes of a value read as binary. */
export function decodeBinary(form: Form, stored: ArrayBuffer): Uint8Array {
  return form === "base64" ? Uint8Array.fromBase64(new TextDecoder().decode(stored)) : new Uint8Array(stored);
}

/** Bytes of a value read as text; undefined when text cannot hold them and they must be read as binary. */
export function decodeText(form: Form, stored: string): Uint8Array | undefined {
  if (form === "binary") return undefined;
  return form === "base64" ? Uint8Array.fromBase64(stored) : new TextEncoder().encode(stored);
}

/** The text that bytes are, undefined unless a read as text returns exactly them: readers drop a byte order mark. */
function exactText(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
