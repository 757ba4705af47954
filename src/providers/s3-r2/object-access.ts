// What a presigned URL grants, and its signature: a compact JWS (HS256) under the worker's presign secret.
import { errors, jwtVerify, SignJWT } from "jose";
import * as z from "zod/mini";

/** Tells these from the other things that are signed with the same secret. */
const AUDIENCE = "gestalt-edge/objects";

const objectAccess = z.object({
  /** The provider's name in `serve({ … })`. */
  provider: z.string(),
  method: z.enum(["GET", "PUT", "DELETE", "HEAD"]),
  /** The bucket as callers say it: it is in the path. */
  bucket: z.string(),
  /** The R2 binding behind it: a session that means another by the same name signs another URL. */
  binding: z.string(),
  key: z.string(),
  /** Sent with the object, for GET and HEAD. */
  contentDisposition: z.optional(z.string()),
  /** Names in lower case. The request must have each with this very value. */
  headers: z.optional(z.record(z.string(), z.string())),
});

export type ObjectAccess = z.infer<typeof objectAccess>;

/** @param expires Seconds since the epoch. */
export async function signAccess(access: ObjectAccess, expires: number, secret: Uint8Array): Promise<string> {
  return new SignJWT({ ...access })
    .setProtectedHeader({ alg: "HS256" })
    .setAudience(AUDIENCE)
    .setExpirationTime(expires)
    .sign(secret);
}

/** `invalid` says no more: whoever altered a URL learns nothing about how. */
export async function verifyAccess(token: string, secret: Uint8Array): Promise<ObjectAccess | "expired" | "invalid"> {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ["HS256"],
      audience: AUDIENCE,
      requiredClaims: ["exp"],
    });
    const access = objectAccess.safeParse(payload);
    return access.success ? access.data : "invalid";
  } catch (error) {
    return error instanceof errors.JWTExpired ? "expired" : "invalid";
  }
}
