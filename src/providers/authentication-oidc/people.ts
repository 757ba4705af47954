// From an issuer's claims to the user gestaltd gets, and whether that one may come at all.
import { type AuthenticatedUser, Code, ConnectError, type EmailAddress, parseEmail } from "../../worker/index.ts";
import { isAllowed, isOfDomain } from "./email-rules.ts";
import { MAX_NAME_LENGTH, MAX_PICTURE_LENGTH } from "./limits.ts";
import type { Issuer } from "./settings.ts";

/** Control characters, and those that turn the direction of what follows. */
const UNSHOWABLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu;

export type Claims = Readonly<Record<string, unknown>>;

/** What the claims say of the address: `unsaid` may be said elsewhere, at the userinfo endpoint. */
export type Verification = "verified" | "unverified" | "unsaid";

export function verificationOf(claims: Claims, { emailClaim, verifiedDomains = [] }: Issuer): Verification {
  const email = parseEmail(claims[emailClaim]);
  if (email === undefined) return "unsaid";
  // The flag is about the claim `email` alone. Some issuers send it as text.
  const flag = emailClaim === "email" ? claims.email_verified : undefined;
  if (flag === true || flag === "true") return "verified";
  if (flag !== undefined) return "unverified";
  return isOfDomain(email, verifiedDomains) ? "verified" : "unsaid";
}

/** Throws PERMISSION_DENIED for people who may not come, and for addresses that the issuer has not verified. */
export function userOf(claims: Claims, issuer: Issuer): AuthenticatedUser {
  const email = parseEmail(claims[issuer.emailClaim]);
  if (email === undefined) throw denied(issuer, `tells no email address that can be used (claim ${issuer.emailClaim})`);
  if (verificationOf(claims, issuer) !== "verified") throw denied(issuer, "has not verified the email address");
  checkAllowed(email, issuer);
  return {
    subject: text(claims.sub),
    email: email.address,
    emailVerified: true,
    displayName: text(claims.name).replace(UNSHOWABLE, " ").slice(0, MAX_NAME_LENGTH).toWellFormed(),
    avatarUrl: pictureOf(claims),
    claims: { iss: text(claims.iss) },
  };
}

/** The sentence names the domain at most: whose address it is, is nobody's business in a log. */
function checkAllowed(email: EmailAddress, { name, allow }: Issuer): void {
  if (isAllowed(email, allow)) return;
  throw new ConnectError(
    `"${name}": this address at ${email.domain} is not among those that may sign in.`,
    Code.PermissionDenied,
  );
}

/** A browser shows it: nothing but a picture's address may pass. */
function pictureOf({ picture }: Claims): string {
  const address = text(picture);
  const isWeb = address.length <= MAX_PICTURE_LENGTH && /^https?:$/.test(URL.parse(address)?.protocol ?? "");
  return isWeb ? address : "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function denied({ name }: Issuer, what: string): ConnectError {
  return new ConnectError(`"${name}": the issuer ${what}.`, Code.PermissionDenied);
}
