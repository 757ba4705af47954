// The handle of an upload: what a provider wants to find again, signed, and bound to the session that began it.
import { Code, ConnectError } from "@connectrpc/connect";
import { jwtVerify, SignJWT } from "jose";
import { PRESIGN_SECRET_BINDING } from "../../wire/bindings.ts";
import type { Call } from "../call.ts";
import { signingSecret } from "./signing-secret.ts";

/** Tells handles from the other things that are signed with the same secret. */
const AUDIENCE = "gestalt-edge/uploads";

/** R2 forgets an unfinished upload after seven days (R2 object lifecycles); a handle need not outlive it. */
const LIFETIME = "7d";

/** Signs `upload`. UNIMPLEMENTED without the secret: gestaltd would take FAILED_PRECONDITION for a condition of the write. */
export async function sealUpload(upload: string, call: Call): Promise<string> {
  const secret = signingSecret(call.bindings);
  if (secret === undefined) {
    throw new ConnectError(
      `Objects over 8 MiB need the Worker secret ${PRESIGN_SECRET_BINDING}, at least 32 random bytes. ` +
        `Set it with: wrangler secret put ${PRESIGN_SECRET_BINDING}`,
      Code.Unimplemented,
    );
  }
  return new SignJWT({ upload })
    .setProtectedHeader({ alg: "HS256" })
    .setAudience(AUDIENCE)
    .setSubject(subject(call))
    .setExpirationTime(LIFETIME)
    .sign(secret);
}

/** What {@link sealUpload} was given. INVALID_ARGUMENT for anything this session was not handed. */
export async function openUpload(handle: string, call: Call): Promise<string> {
  const secret = signingSecret(call.bindings);
  if (secret === undefined) throw refused();
  try {
    const { payload } = await jwtVerify<{ upload: string }>(handle, secret, {
      algorithms: ["HS256"],
      audience: AUDIENCE,
      subject: subject(call),
    });
    return payload.upload;
  } catch {
    throw refused();
  }
}

function subject({ session }: Call): string {
  return `${session.provider}/${session.id}`;
}

function refused(): ConnectError {
  return new ConnectError(
    "The upload handle is none of this session's, or it is older than 7 days.",
    Code.InvalidArgument,
  );
}
