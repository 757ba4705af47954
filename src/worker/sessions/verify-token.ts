// Verifies one session token with jose and turns its claims into a session.
import { JOSEError } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import { CLOCK_TOLERANCE_SECONDS, MAX_TOKEN_LIFETIME_SECONDS } from "../../wire/limits.ts";
import { parseSessionClaims, type SessionClaims, TOKEN_ALGORITHM, TOKEN_ISSUER } from "../../wire/session-token.ts";
import { bareObject } from "../bare-object.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { refuse, unauthenticated } from "./refusals.ts";
import type { Session } from "./session.ts";
import type { Trust } from "./trust.ts";

export interface VerifiedToken {
  readonly session: Session;
  /** Seconds since the epoch, as the token says them: the tolerance for clocks is not added. */
  readonly notBefore: number;
  readonly expires: number;
}

export type KnownTrust = Extract<Trust, { readonly audience: string }>;

/**
 * Checks signature, algorithm, issuer, audience, times and shape. `afterlifeSeconds` is how long after its expiry the token still
 * passes. Throws UNAUTHENTICATED; no text holds the token.
 */
export async function verifyToken(token: string, trust: KnownTrust, afterlifeSeconds = 0): Promise<VerifiedToken> {
  let payload: unknown;
  let issuer: string;
  try {
    const verified = await jwtVerify(token, trust.keys, {
      algorithms: [TOKEN_ALGORITHM],
      issuer: TOKEN_ISSUER,
      audience: trust.audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS + afterlifeSeconds,
      requiredClaims: ["exp", "nbf", "iat"],
    });
    payload = verified.payload;
    issuer = verified.protectedHeader.kid ?? "";
  } catch (error) {
    throw refuse(error instanceof JOSEError ? error : undefined, trust.audience);
  }
  const claims = claimsOf(payload);
  // Whatever a bridge does wrong, no token is good for years: there is no way to call one back but to change keys.
  if (claims.exp - Math.min(claims.iat, claims.nbf) > MAX_TOKEN_LIFETIME_SECONDS) throw unauthenticated("lifetime");
  const verified = fromClaims(claims, issuer);
  // jose's tolerance goes both ways; an afterlife is no licence to come early.
  assertLive(verified, Date.now() / 1000, afterlifeSeconds);
  return verified;
}

/** Checks the times of a token again: a verified one is used for minutes, and must not outlive what it says. */
export function assertLive(verified: VerifiedToken, nowSeconds: number, afterlifeSeconds = 0): void {
  if (verified.expires <= nowSeconds - CLOCK_TOLERANCE_SECONDS - afterlifeSeconds) throw unauthenticated("expired");
  if (verified.notBefore > nowSeconds + CLOCK_TOLERANCE_SECONDS) throw unauthenticated("early");
}

function claimsOf(payload: unknown): SessionClaims {
  try {
    return parseSessionClaims(payload);
  } catch {
    throw unauthenticated("shape");
  }
}

function fromClaims(claims: SessionClaims, issuer: string): VerifiedToken {
  const session: Session = {
    issuer,
    id: claims.sid,
    revision: claims.rev,
    provider: claims.provider,
    name: claims.name,
    config: claims.config,
    env: bareObject(claims.vars),
    hosts: claims.hosts ?? [],
    egress: claims.egress ?? { allow: [], default: "allow" },
  };
  return { session: deepFreeze(session), notBefore: claims.nbf, expires: claims.exp };
}
