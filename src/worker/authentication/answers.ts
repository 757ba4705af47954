// From what handlers answer to the protocol's messages. A handler's mistake is INTERNAL and says what is wrong, since gestaltd would
// only tell the browser that the sign-in failed, or sign in nobody in particular.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  AuthenticatedUserSchema,
  AuthSessionSettingsSchema,
  BeginLoginResponseSchema,
} from "../../gen/gestalt/provider/v1/authentication_pb.ts";
import { isWebUrl } from "./checks.ts";
import { parseEmail } from "./email.ts";
import { MAX_CLAIMS, MAX_SESSION_SECONDS, MAX_STATE_BYTES, MAX_USER_TEXT_LENGTH } from "./limits.ts";
import type { AuthenticatedUser, LoginRedirect, SessionSettings } from "./objects.ts";

export function redirectTo(redirect: LoginRedirect): MessageInitShape<typeof BeginLoginResponseSchema> {
  const authorizationUrl = String(redirect.authorizationUrl);
  if (!isWebUrl(authorizationUrl)) {
    throw mistake("the authorization URL is not an absolute URL of http or https, or is longer than 8 KiB");
  }
  const { providerState = new Uint8Array() } = redirect;
  const { byteLength } = providerState;
  if (byteLength > MAX_STATE_BYTES) {
    throw mistake(`the provider state has ${byteLength} bytes; at most ${MAX_STATE_BYTES} travel through a browser`);
  }
  return { authorizationUrl, providerState };
}

/**
 * Throws PERMISSION_DENIED for an unverified address: gestaltd does not look whether it is verified, and takes its word for who
 * somebody is.
 */
export function userTo(user: AuthenticatedUser): MessageInitShape<typeof AuthenticatedUserSchema> {
  const { subject, email, emailVerified, displayName = "", avatarUrl = "", claims = {} } = user;
  if (parseEmail(email) === undefined) {
    throw mistake("the user has no email address that can be used, and by nothing else does gestaltd know people");
  }
  if (emailVerified !== true) {
    throw new ConnectError("The user's email address has not been verified.", Code.PermissionDenied);
  }
  const entries = Object.entries(claims);
  const others = [subject, displayName, avatarUrl, ...entries.flat()];
  if (entries.length > MAX_CLAIMS || !others.every((text) => isText(text, MAX_USER_TEXT_LENGTH))) {
    throw mistake(
      `a text of the user is none, or longer than ${MAX_USER_TEXT_LENGTH} characters, or there are over ${MAX_CLAIMS} claims`,
    );
  }
  return { subject, email, emailVerified, displayName, avatarUrl, claims };
}

export function settingsTo({ ttlSeconds }: SessionSettings): MessageInitShape<typeof AuthSessionSettingsSchema> {
  if (ttlSeconds === undefined) return {};
  // gestaltd would take 0 for its own default, and whole years overflow what it counts in.
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_SESSION_SECONDS) {
    throw mistake(`the session's ttlSeconds is not a whole number from 1 to ${MAX_SESSION_SECONDS}`);
  }
  return { sessionTtlSeconds: BigInt(ttlSeconds) };
}

/** Protobuf texts are UTF-8, which has no lone surrogates. */
function isText(value: unknown, most: number): boolean {
  return typeof value === "string" && value.length <= most && value.isWellFormed();
}

function mistake(what: string): ConnectError {
  return new ConnectError(`The authentication provider answered wrongly: ${what}.`, Code.Internal);
}
