// What fits into an answer gestaltd can take, computed before anything is written or sent.
import { Code, ConnectError } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";

/**
 * Longest key, in bytes of UTF-8. Ours: Gestalt sets none. Far above any sensible key, and far enough below what
 * storage takes (2 MB in a row of a Durable Object) that no provider needs a special case for it.
 */
const MAX_CACHE_KEY_BYTES = 64 * 1024;

/**
 * Bytes of a `CacheResult` beside key and value: three tags, two lengths of at most four bytes, the flag, and the tag
 * and length of the entry itself.
 */
const RESULT_OVERHEAD_BYTES = 1 + 4 + 1 + 4 + 2 + 1 + 4;

const encoder = new TextEncoder();

/** Throws INVALID_ARGUMENT for a key that is too long. That it is Unicode, the protobuf runtime has seen to. */
export function checkKey(key: string): void {
  if (key.length * 3 <= MAX_CACHE_KEY_BYTES) return; // One UTF-16 unit makes at most three bytes.
  const bytes = encoder.encode(key).byteLength;
  if (bytes > MAX_CACHE_KEY_BYTES) {
    throw new ConnectError(
      `The cache key has ${count(bytes)} bytes; the limit is ${count(MAX_CACHE_KEY_BYTES)}.`,
      Code.InvalidArgument,
    );
  }
}

/** Throws RESOURCE_EXHAUSTED for a value that could be stored but never read back through gestaltd. */
export function checkValue(key: string, value: Uint8Array): void {
  if (resultBytes(key, value.byteLength) <= MAX_MESSAGE_BYTES) return;
  const room = MAX_MESSAGE_BYTES - resultBytes(key, 0);
  throw new ConnectError(
    `The cache value has ${count(value.byteLength)} bytes; with this key at most ${count(room)} fit, because gestaltd ` +
      `takes no answer over ${count(MAX_MESSAGE_BYTES)} bytes. Keep large values in an object store.`,
    Code.ResourceExhausted,
  );
}

/** Adds up a `GetMany` answer as it grows, so that work stops as soon as it cannot be sent. */
export class ReplyBudget {
  /** Bytes one answer may have. */
  static readonly limit = MAX_MESSAGE_BYTES;

  readonly #keys: number;
  #bytes = 0;

  /** @param keys How many keys were asked for; only for the error's text. */
  constructor(keys: number) {
    this.#keys = keys;
  }

  /** Counts one result. Throws RESOURCE_EXHAUSTED when the answer no longer fits. */
  add(key: string, valueBytes: number): void {
    this.#bytes += resultBytes(key, valueBytes);
    if (this.#bytes <= MAX_MESSAGE_BYTES) return;
    throw new ConnectError(
      `The values of these ${count(this.#keys)} keys do not fit into one answer of ${count(MAX_MESSAGE_BYTES)} bytes. ` +
        "Ask for fewer keys at a time: half as many, or one by one with Get.",
      Code.ResourceExhausted,
    );
  }
}

function resultBytes(key: string, valueBytes: number): number {
  return RESULT_OVERHEAD_BYTES + encoder.encode(key).byteLength + valueBytes;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
