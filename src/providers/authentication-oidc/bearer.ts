// Bearer tokens of issuers: JWTs that they signed for one of the audiences of the config.
import { decodeJwt } from "jose/jwt/decode";
import { type AuthenticatedUser, Code, ConnectError, type ExternalToken } from "../../worker/index.ts";
import { inStep } from "./errors.ts";
import { whatOf } from "./issuer-documents.ts";
import { UNKNOWN_KEY_COOLDOWN_MS } from "./limits.ts";
import { askingOf, type OidcCall } from "./oidc.ts";
import { userOf } from "./people.ts";
import { canonical, type Issuer } from "./settings.ts";
import { verifyJwt } from "./verify-jwt.ts";

/** Types of tokens that prove who somebody is (RFC 7519 §5.1, RFC 9068 §2.1). Others are signed with the same keys for other ends. */
const TYPES = new Set(["jwt", "at+jwt"]);

/**
 * Throws UNIMPLEMENTED when no issuer's tokens are taken, UNAUTHENTICATED for a token that is not fit. A text that is no token of theirs
 * costs no request: gestaltd asks about whatever comes as a bearer.
 */
export async function bearerUser({ token }: ExternalToken, call: OidcCall): Promise<AuthenticatedUser> {
  const accepted = call.settings.issuers.filter(({ audiences }) => audiences.length > 0);
  if (accepted.length === 0) {
    throw new ConnectError(
      "No issuer of the config has audiences, so that no bearer tokens are taken.",
      Code.Unimplemented,
    );
  }
  const from = issuerOf(token);
  const issuer = accepted.find(({ url }) => url === from);
  if (issuer === undefined) throw refused("The bearer token is of no issuer whose tokens are taken.");
  const nowMs = call.sources.now();
  const asking = askingOf(call, issuer);
  const metadata = await call.documents.metadata(asking);
  const { payload, protectedHeader } = await inStep(
    { what: whatOf(issuer, "bearer token"), code: Code.Unauthenticated },
    () =>
      verifyJwt(token, metadata, asking, call.documents, {
        audience: issuer.audiences,
        keysSinceMs: nowMs - UNKNOWN_KEY_COOLDOWN_MS,
        nowMs,
      }),
  );
  checkUse(protectedHeader.typ, payload, issuer);
  return userOf(payload, issuer);
}

/** Whom an unchecked token says it is from. */
function issuerOf(token: string): string | undefined {
  try {
    return canonical(decodeJwt(token).iss);
  } catch {
    return undefined;
  }
}

function checkUse(type: string | undefined, { cnf }: Readonly<Record<string, unknown>>, issuer: Issuer): void {
  const what = whatOf(issuer, "bearer token");
  if (type !== undefined && !TYPES.has(type.toLowerCase().replace(/^application\//, ""))) {
    throw refused(`${what} is of a type that is no proof of who somebody is.`);
  }
  // RFC 7800: good only in the hand of one who proves to have the key, which nobody here asks for.
  if (cnf !== undefined) throw refused(`${what} is bound to a key, and no bearer token.`);
}

function refused(text: string): ConnectError {
  return new ConnectError(text, Code.Unauthenticated);
}
