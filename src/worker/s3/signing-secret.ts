// The Worker secret that signs what leaves this worker and comes back: presigned URLs and upload handles.
import { PRESIGN_SECRET_BINDING } from "../../wire/bindings.ts";
import type { Bindings } from "../call.ts";

/** Shortest secret taken, in bytes: as long as the output of the HMAC-SHA256 it keys (RFC 7518 §3.2). */
const MIN_SECRET_BYTES = 32;

/** The secret's bytes (its text in UTF-8), or undefined when there is none or it is too short to protect anything. */
export function signingSecret(bindings: Bindings): Uint8Array | undefined {
  const value = bindings[PRESIGN_SECRET_BINDING];
  if (typeof value !== "string") return undefined;
  const secret = new TextEncoder().encode(value);
  return secret.byteLength < MIN_SECRET_BYTES ? undefined : secret;
}
