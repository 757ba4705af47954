// Continuation tokens: R2's cursor, tied to the listing it belongs to. Nothing is stored; any isolate continues any listing.
import { Code, ConnectError } from "@connectrpc/connect";
import { base64url } from "jose";
import type { S3ListInput } from "../../worker/index.ts";

/** The listing a token continues. */
export type Listing = Pick<S3ListInput, "bucket" | "prefix" | "delimiter">;

/** Where a listing goes on. */
export interface Position {
  /** R2's own. */
  readonly cursor: string;
  /** The last common prefix before it, which must not come again; empty when there was none. */
  readonly lastPrefix: string;
}

/** Bytes of the digest kept: enough to tell a damaged or foreign token, which is all it is for. */
const DIGEST_BYTES = 12;

/** Not a secret and not a permission: a forged token shows nothing its forger could not list. */
export async function tokenOf(listing: Listing, { cursor, lastPrefix }: Position): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify([cursor, lastPrefix]));
  const digest = await digestOf(listing, payload);
  const token = new Uint8Array(DIGEST_BYTES + payload.byteLength);
  token.set(digest);
  token.set(payload, DIGEST_BYTES);
  return base64url.encode(token);
}

/** Throws INVALID_ARGUMENT for a token that was altered or comes from another listing. */
export async function positionOf(listing: Listing, token: string): Promise<Position> {
  const bytes = decoded(token);
  const payload = bytes.subarray(DIGEST_BYTES);
  const digest = await digestOf(listing, payload);
  if (bytes.byteLength <= DIGEST_BYTES || digest.some((byte, index) => byte !== bytes[index])) throw badToken();
  const [cursor, lastPrefix] = JSON.parse(new TextDecoder().decode(payload)) as [string, string];
  return { cursor, lastPrefix };
}

export function badToken(): ConnectError {
  return new ConnectError(
    "The continuation token is damaged, or belongs to a listing with another bucket, prefix or delimiter.",
    Code.InvalidArgument,
  );
}

function decoded(token: string): Uint8Array {
  try {
    return base64url.decode(token);
  } catch {
    throw badToken();
  }
}

async function digestOf({ bucket, prefix, delimiter }: Listing, payload: Uint8Array): Promise<Uint8Array> {
  const listing = new TextEncoder().encode(JSON.stringify([bucket, prefix, delimiter]));
  const input = new Uint8Array(listing.byteLength + payload.byteLength);
  input.set(listing);
  input.set(payload, listing.byteLength);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", input)).subarray(0, DIGEST_BYTES);
}
