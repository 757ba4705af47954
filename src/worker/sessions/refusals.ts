// Why a session token is refused: one table of sentences, none of which repeats anything a caller sent.
import { Code, ConnectError } from "@connectrpc/connect";
import { SESSION_REFUSED_HEADER } from "../../wire/routes.ts";

const REFUSALS = {
  absent: "This request has no session token: send it as `authorization: Bearer …`.",
  malformed: "The session token is not a signed token (compact JWS).",
  algorithm: "The session token is signed with an algorithm other than EdDSA.",
  key: "The session token is signed by a key this worker does not trust.",
  ambiguous: "The session token names no key, and this worker trusts several.",
  signature: "The session token's signature does not match its content.",
  issuer: "The session token was not issued by a gestalt-edge bridge.",
  early: "The session token is not valid yet: compare the clocks of bridge and worker.",
  expired: "The session token has expired: compare the clocks of bridge and worker.",
  lifetime: "The session token is valid for longer than an hour, the most this worker accepts.",
  shape: "The session token lacks claims that this worker needs: bridge and worker may differ in version.",
  provider: "The session token is for a provider that this worker does not serve.",
  other: "The session token cannot be verified.",
} as const;

export type Refusal = keyof typeof REFUSALS;

/** An UNAUTHENTICATED error with the sentence of the table. */
export function unauthenticated(refusal: Refusal): ConnectError {
  return refusedSession(REFUSALS[refusal]);
}

/** An UNAUTHENTICATED error that its answer shows to be of the session token's, and not a provider's. */
export function refusedSession(sentence: string): ConnectError {
  return new ConnectError(sentence, Code.Unauthenticated, { [SESSION_REFUSED_HEADER]: "1" });
}

/** jose's error codes; a failed claim has one code for all, and its name beside it. */
const BY_CODE: Readonly<Record<string, Refusal>> = {
  ERR_JWT_EXPIRED: "expired",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "signature",
  ERR_JWKS_NO_MATCHING_KEY: "key",
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: "ambiguous",
  ERR_JOSE_ALG_NOT_ALLOWED: "algorithm",
  ERR_JOSE_NOT_SUPPORTED: "algorithm",
  ERR_JWS_INVALID: "malformed",
  ERR_JWT_INVALID: "malformed",
};

const BY_CLAIM: Readonly<Record<string, Refusal>> = { iss: "issuer", nbf: "early" };

/** Translates what jose threw; `audience` is this worker's own name, which the operator needs to see. */
export function refuse(
  error: { readonly code: string; readonly claim?: unknown; readonly reason?: unknown } | undefined,
  audience: string,
): ConnectError {
  if (error?.code === "ERR_JWT_CLAIM_VALIDATION_FAILED") {
    if (error.reason === "missing") return unauthenticated("shape");
    if (error.claim === "aud") {
      return refusedSession(`The session token is for another worker than "${audience}".`);
    }
    return unauthenticated(BY_CLAIM[String(error.claim)] ?? "shape");
  }
  return unauthenticated(BY_CODE[error?.code ?? ""] ?? "other");
}
