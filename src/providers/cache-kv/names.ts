// The KV name of a cache key: readable where KV allows the key, a hash where it does not.
import { MAX_NAME_BYTES } from "./limits.ts";

export interface Name {
  readonly name: string;
  /** The name is a hash: the entry carries its key. */
  readonly hashed: boolean;
}

const encoder = new TextEncoder();

/** What KV documents as valid in a key: printable, no white space. */
const PLAIN = /^[^\p{C}\p{Z}]*$/u;

/**
 * `<prefix>:k:<key>`, or `<prefix>:h:<SHA-256 of the key, hex>` for a key that is too long or holds white space or
 * control characters. A prefix has no colon, so no two pairs of prefix and key share a name; and no name is "", "." or
 * "..", which KV forbids, whatever the key.
 */
export async function nameOf(prefix: string, key: string): Promise<Name> {
  const name = `${prefix}:k:${key}`;
  if (PLAIN.test(key) && encoder.encode(name).byteLength <= MAX_NAME_BYTES) return { name, hashed: false };
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(key)));
  return { name: `${prefix}:h:${digest.toHex()}`, hashed: true };
}
