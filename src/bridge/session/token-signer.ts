// Signs session tokens and keeps the last one until shortly before it expires (DESIGN §5).
import { SignJWT } from "jose";
import { TOKEN_LIFETIME_SECONDS, TOKEN_REFRESH_MARGIN_SECONDS } from "../../wire/limits.ts";
import { type SessionClaims, TOKEN_ALGORITHM, TOKEN_ISSUER } from "../../wire/session-token.ts";
import type { Session } from "./session.ts";
import type { SigningKey } from "./signing-key.ts";

export interface TokenSigner {
  /** The token at hand, while it is good to send; undefined when {@link sign} is due. */
  current(): string | undefined;
  /** Makes a new token; calls that overlap share one signature. */
  sign(): Promise<string>;
}

export interface TokenSignerOptions {
  readonly session: Session;
  /** Name of the worker. */
  readonly audience: string;
  readonly key: SigningKey;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** How long before a token stops being used its successor is made in the background, in seconds. */
const EARLY_RENEWAL_SECONDS = 30;

export function createTokenSigner({ session, audience, key, now = Date.now }: TokenSignerOptions): TokenSigner {
  let token: { readonly text: string; readonly expires: number } | undefined;
  let signing: Promise<string> | undefined;

  const sign = (): Promise<string> => {
    signing ??= signToken(session, audience, key, Math.floor(now() / 1000))
      .then((signed) => {
        token = signed;
        return signed.text;
      })
      .finally(() => {
        signing = undefined;
      });
    return signing;
  };

  return {
    current() {
      if (token === undefined) return undefined;
      const left = token.expires - now() / 1000 - TOKEN_REFRESH_MARGIN_SECONDS;
      if (left <= 0) return undefined;
      // A failure here is met again, and reported, by the call that finds no token at hand.
      if (left < EARLY_RENEWAL_SECONDS) sign().catch(() => undefined);
      return token.text;
    },
    sign,
  };
}

async function signToken(session: Session, audience: string, { key, kid }: SigningKey, issuedAt: number) {
  const expires = issuedAt + TOKEN_LIFETIME_SECONDS;
  const claims: SessionClaims = {
    iss: TOKEN_ISSUER,
    aud: audience,
    provider: session.provider,
    sid: session.id,
    rev: session.revision,
    name: session.name,
    ...(session.config === undefined ? {} : { config: session.config }),
    ...(Object.keys(session.variables).length === 0 ? {} : { vars: { ...session.variables } }),
    ...(session.hosts.length === 0 ? {} : { hosts: [...session.hosts] }),
    ...(session.egress === undefined ? {} : { egress: session.egress }),
    iat: issuedAt,
    nbf: issuedAt,
    exp: expires,
  };
  const text = await new SignJWT(claims).setProtectedHeader({ alg: TOKEN_ALGORITHM, kid }).sign(key);
  return { text, expires };
}
