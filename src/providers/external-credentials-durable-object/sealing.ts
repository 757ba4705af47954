// Encryption of a credential's content: AES-256-GCM with a random nonce, bound to the credential's key, so that no content can be
// put under another one.

import type { KeyRing, SealingKey } from "./key-ring.ts";
import { MAX_RENEWED_BYTES } from "./limits.ts";
import { RefusedError } from "./outcome.ts";

/** What is encrypted: all that is not needed to find a credential and to tell when it ends. */
export interface Content {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scopes: string;
  readonly metadataJson: string;
}

/** What content is bound to. */
export type Place = { readonly subject: string; readonly connection: string; readonly instance: string };

/** Content as it lies in a row. */
export type Sealed = {
  readonly key_id: string;
  /** The form's number, the nonce, and what AES-GCM makes. */
  readonly sealed: ArrayBuffer;
};

/** Number of the form that content has. */
const FORM = 1;

/** NIST SP 800-38D §8.2: 96 bits. Random ones are good for 2^32 encryptions with one key. */
const NONCE_BYTES = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Refuses content of more than `most` bytes. */
export async function seal(
  { accessToken, refreshToken, scopes, metadataJson }: Content,
  place: Place,
  { id, key }: SealingKey,
  most: number = MAX_RENEWED_BYTES,
): Promise<Sealed> {
  const text = encoder.encode(JSON.stringify([accessToken, refreshToken, scopes, metadataJson]));
  if (text.byteLength > most) {
    const sizes = `${text.byteLength.toLocaleString("en-US")} bytes; the limit is ${most.toLocaleString("en-US")}`;
    throw new RefusedError("too large", `The credential's tokens, scopes and metadata have ${sizes}.`);
  }
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const encrypted = await crypto.subtle.encrypt(algorithm(nonce, place), key, text);
  const sealed = new Uint8Array(1 + NONCE_BYTES + encrypted.byteLength);
  sealed[0] = FORM;
  sealed.set(nonce, 1);
  sealed.set(new Uint8Array(encrypted), 1 + NONCE_BYTES);
  return { key_id: id, sealed: sealed.buffer };
}

/** Refuses, with the key's id, what lies under a key that is not in the ring, and with its own id what no key opens any more. */
export async function unseal(row: Sealed & Place & { readonly id: string }, ring: KeyRing): Promise<Content> {
  const key = ring.find(row.key_id)?.key;
  if (key === undefined) throw missingKey(row.key_id);
  const bytes = new Uint8Array(row.sealed);
  if (bytes[0] !== FORM) throw new Error(`a credential has the form ${bytes[0]}, which this release does not know`);
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const text = await crypto.subtle
    .decrypt(algorithm(nonce, row), key, bytes.subarray(1 + NONCE_BYTES))
    .catch(() => undefined);
  if (text === undefined) {
    const what = `The stored credential ${row.id} has been altered. Connecting again replaces it.`;
    throw new RefusedError("misconfigured", what);
  }
  const [accessToken, refreshToken, scopes, metadataJson] = JSON.parse(decoder.decode(text)) as [
    string,
    string,
    string,
    string,
  ];
  return { accessToken, refreshToken, scopes, metadataJson };
}

function missingKey(id: string): RefusedError {
  const text =
    `The credential is encrypted with the key ${id}, which this worker does not have. Nothing is lost as long as you have ` +
    "that key: set it again, or as an old key. `gestalt-edge rotate-keys` says more.";
  return new RefusedError("misconfigured", text);
}

function algorithm(nonce: Uint8Array, { subject, connection, instance }: Place) {
  const additionalData = encoder.encode(JSON.stringify([FORM, subject, connection, instance]));
  return { name: "AES-GCM", iv: nonce, additionalData };
}
