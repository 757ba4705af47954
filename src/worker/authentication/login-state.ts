// What a provider remembers between the two calls of a sign-in: sealed, since it travels through the browser, where anybody may read,
// keep, swap or alter it. AES-256-GCM under a key of the Worker secret GESTALT_EDGE_LOGIN_SECRET.
import { Code, ConnectError } from "@connectrpc/connect";
import { LOGIN_SECRET_BINDING } from "../../wire/bindings.ts";
import type { ProviderRequest } from "../call.ts";
import { LOGIN_SECONDS } from "./limits.ts";

/** What a sealed state is bound to: it opens nowhere else. */
export interface LoginStateContext {
  /** The sign-in's, from the handler's input. */
  readonly callbackUrl: string;
  /** The handler's own: the provider's name and the Worker's secrets are taken from it. */
  readonly request: Pick<ProviderRequest, "name" | "bindings">;
  /** Milliseconds since the epoch; `Date.now` when left out. */
  readonly now?: (() => number) | undefined;
}

/** First byte of a sealed state. Another form gets another number. */
const FORM = 1;

/** Bytes of AES-GCM's nonce, random for each state (NIST SP 800-38D §8.2.2: good for 2^32 states under one secret). */
const NONCE_BYTES = 12;

/** Shortest secret taken, in bytes of UTF-8: as many as the key that is made of it. */
const MIN_SECRET_BYTES = 32;

/** Keeps this key apart from others that may be made of the same secret. */
const PURPOSE = "gestalt-edge login state";

const encoder = new TextEncoder();

/**
 * Seals what `completeLogin` must know, for `lifetimeSeconds` from now (10 minutes when left out, as long as gestaltd waits). Throws
 * FAILED_PRECONDITION when the Worker has no secret to seal with.
 */
export async function sealLoginState(
  data: Readonly<Record<string, string>>,
  context: LoginStateContext,
  lifetimeSeconds = LOGIN_SECONDS,
): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const expires = nowSeconds(context) + lifetimeSeconds;
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: boundTo(context) },
    await keyOf(context),
    encoder.encode(JSON.stringify({ expires, data })),
  );
  return Uint8Array.of(FORM, ...nonce, ...new Uint8Array(sealed));
}

/**
 * Opens what {@link sealLoginState} sealed. Throws INVALID_ARGUMENT when there is none, UNAUTHENTICATED when it was altered, made
 * elsewhere or is too old. One that was used before opens again: the identity provider takes an authorization code only once.
 */
export async function openLoginState(
  state: Uint8Array,
  context: LoginStateContext,
): Promise<Readonly<Record<string, string>>> {
  if (state.byteLength === 0) {
    throw new ConnectError("The sign-in has no state: it was not begun here. Begin again.", Code.InvalidArgument);
  }
  const text = await opened(state, context);
  if (text === undefined) {
    throw refused("was altered, or made by another provider, with another secret or for another callback URL");
  }
  // Nobody else could have sealed it, so it has the shape it was given.
  const { expires, data } = JSON.parse(text) as { expires: number; data: Readonly<Record<string, string>> };
  if (nowSeconds(context) >= expires) throw refused("is too old");
  return data;
}

/** Throws FAILED_PRECONDITION, with what to do, when the Worker has no secret to seal with. For `configure` hooks. */
export function checkLoginSecret(request: Pick<ProviderRequest, "bindings">): void {
  secretOf(request);
}

async function opened(state: Uint8Array, context: LoginStateContext): Promise<string | undefined> {
  // Outside of the `try`, where a missing secret would pass for an altered state.
  const key = await keyOf(context);
  const iv = state.subarray(1, 1 + NONCE_BYTES);
  const algorithm = { name: "AES-GCM", iv, additionalData: boundTo(context) };
  try {
    if (state[0] !== FORM) return undefined;
    return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, key, state.subarray(1 + NONCE_BYTES)));
  } catch {
    return undefined;
  }
}

/** A state must not pass from one provider, or from one callback, to another. */
function boundTo({ callbackUrl, request }: LoginStateContext): Uint8Array {
  return encoder.encode(JSON.stringify([PURPOSE, FORM, request.name, callbackUrl]));
}

async function keyOf({ request }: LoginStateContext): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey("raw", secretOf(request), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(PURPOSE) };
  const form = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey(derivation, secret, form, false, ["encrypt", "decrypt"]);
}

function secretOf({ bindings }: Pick<ProviderRequest, "bindings">): Uint8Array {
  const value = bindings[LOGIN_SECRET_BINDING];
  const secret = encoder.encode(typeof value === "string" ? value : "");
  if (secret.byteLength >= MIN_SECRET_BYTES) return secret;
  throw new ConnectError(
    `Sign-ins need the Worker secret ${LOGIN_SECRET_BINDING}, at least ${MIN_SECRET_BYTES} random bytes. ` +
      `Set it with: openssl rand -base64 32 | npx wrangler secret put ${LOGIN_SECRET_BINDING}`,
    Code.FailedPrecondition,
  );
}

function nowSeconds({ now = Date.now }: LoginStateContext): number {
  return Math.floor(now() / 1000);
}

function refused(why: string): ConnectError {
  return new ConnectError(`The sign-in's state ${why}. Begin again.`, Code.Unauthenticated);
}
