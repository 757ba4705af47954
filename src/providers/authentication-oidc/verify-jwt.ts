// Checks a token that an issuer has signed: signature, algorithm, issuer, audience and times.
import type { JWTVerifyGetKey, JWTVerifyResult } from "jose";
import { JWKSNoMatchingKey } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import type { AuthorizationServer } from "oauth4webapi";
import type { Asking, IssuerDocuments } from "./issuer-documents.ts";

export interface Expected {
  /** One of these must be in `aud`. */
  readonly audience: readonly string[];
  /** The keys are fetched again when the token's is not among them, unless they were since then, in milliseconds since the epoch. */
  readonly keysSinceMs: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Throws jose's errors, and those of {@link IssuerDocuments}. */
export async function verifyJwt(
  token: string,
  metadata: AuthorizationServer,
  asking: Asking,
  documents: IssuerDocuments,
  { audience, keysSinceMs, nowMs }: Expected,
): Promise<JWTVerifyResult> {
  const { issuer, settings } = asking;
  const verify = (keys: JWTVerifyGetKey) =>
    jwtVerify(token, keys, {
      algorithms: [...issuer.algorithms],
      issuer: metadata.issuer,
      audience: [...audience],
      requiredClaims: ["exp", "sub"],
      clockTolerance: settings.clockToleranceSeconds,
      currentDate: new Date(nowMs),
    });
  const known = await documents.keys(metadata, asking);
  try {
    return await verify(known);
  } catch (error) {
    if (!(error instanceof JWKSNoMatchingKey)) throw error;
    // The issuer may have changed its keys.
    const newer = await documents.keys(metadata, asking, keysSinceMs);
    if (newer === known) throw error;
    return await verify(newer);
  }
}
