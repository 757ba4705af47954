// Page tokens: the last entry of a page, tied to the question it belongs to. Nothing is stored; any isolate turns any page.
import { base64url } from "jose";
import { Code, ConnectError } from "../../worker/index.ts";
import type { Page } from "./pages.ts";

/** What a token belongs to: the method and everything it was asked, less the page. */
export type Listing = readonly (string | undefined)[];

/** Bytes of the digest kept: enough to tell a damaged or foreign token, which is all it is for. */
const DIGEST_BYTES = 9;

/** What a page says of the next one. */
export async function nextPage<Entry>(
  listing: Listing,
  { entries, more }: Page<Entry>,
  partsOf: (entry: Entry) => readonly string[],
): Promise<{ readonly nextPageToken?: string }> {
  const last = entries.at(-1);
  return more && last !== undefined ? { nextPageToken: await tokenOf(listing, partsOf(last)) } : {};
}

/**
 * The last entry of the page before, in so many parts; undefined for the first page. Throws INVALID_ARGUMENT for a token that
 * was not made for this listing.
 */
export async function lastOf(
  listing: Listing,
  token: string | undefined,
  parts: number,
): Promise<string[] | undefined> {
  if (token === undefined) return undefined;
  const bytes = decoded(token);
  const payload = bytes.subarray(DIGEST_BYTES);
  const digest = await digestOf(listing, payload);
  if (bytes.byteLength <= DIGEST_BYTES || digest.some((byte, index) => byte !== bytes[index])) throw badToken();
  // Whoever knows how can make a token of any payload.
  const last = parsed(payload);
  if (!Array.isArray(last) || last.length !== parts || !last.every((part) => typeof part === "string"))
    throw badToken();
  return last;
}

/** Not a secret and not a permission: a forged token shows nothing its forger could not ask for. */
async function tokenOf(listing: Listing, last: readonly string[]): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify(last));
  return base64url.encode(new Uint8Array([...(await digestOf(listing, payload)), ...payload]));
}

function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    throw badToken();
  }
}

function decoded(token: string): Uint8Array {
  try {
    return base64url.decode(token);
  } catch {
    throw badToken();
  }
}

async function digestOf(listing: Listing, payload: Uint8Array): Promise<Uint8Array> {
  // An undefined part becomes null, which no text is.
  const asked = new TextEncoder().encode(JSON.stringify(listing));
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array([...asked, ...payload]));
  return new Uint8Array(digest).subarray(0, DIGEST_BYTES);
}

function badToken(): ConnectError {
  return new ConnectError("The page token is damaged, or belongs to another request.", Code.InvalidArgument);
}
