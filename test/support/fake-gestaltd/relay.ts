// What gestaltd's relay lets in: the tokens it mints and the checks each call meets, with its codes and texts (reference §3).
import { randomBytes, randomUUID } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import { GrpcCode } from "../../../src/wire/codes.ts";

export const RELAY_TOKEN_HEADER = "x-gestalt-host-service-relay-token";

/** What a token is for, exactly. */
export interface Grant {
  readonly plugin: string;
  readonly session: string;
  readonly service: string;
  /** `GESTALT_CACHE_SOCKET_MAIN` */
  readonly variable: string;
  /** `/gestalt.provider.v1.Cache/` */
  readonly methodPrefix: string;
}

export interface Refusal {
  readonly code: GrpcCode;
  readonly message: string;
}

const refusals = {
  token: { code: GrpcCode.unauthenticated, message: "invalid-host-service-relay-token" },
  method: { code: GrpcCode.permissionDenied, message: "host-service-relay-method-not-allowed" },
  session: { code: GrpcCode.unauthenticated, message: "invalid-host-service-relay-session" },
  handler: { code: GrpcCode.unavailable, message: "host-service-relay-unavailable" },
} as const satisfies Record<string, Refusal>;

const TOKEN_LIFETIME = "30d";
const ISSUER = "gestaltd";
const AUDIENCE = "gestalt-host-service-relay";

export class Relay {
  readonly #key = randomBytes(32);
  readonly #liveSessions = new Set<string>();
  readonly #handlers = new Set<string>();
  #now: Date | undefined;

  /** A token, and the session and handler it needs. */
  mint(grant: Grant): Promise<string> {
    this.#liveSessions.add(grant.session);
    this.#handlers.add(handlerKey(grant));
    const { plugin, session, service, variable, methodPrefix } = grant;
    return new SignJWT({ plugin, session_id: session, service, env_var: variable, method_prefix: methodPrefix })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(service)
      .setJti(randomUUID())
      .setIssuedAt()
      .setNotBefore("0s")
      .setExpirationTime(TOKEN_LIFETIME)
      .sign(this.#key);
  }

  /** From now on the tokens that were minted are past their time. */
  expireTokens(): void {
    this.#now = new Date(Date.now() + 31 * 24 * 3_600_000);
  }

  endSession(session: string): void {
    this.#liveSessions.delete(session);
  }

  /** As when the plugin has been stopped. */
  unregister(plugin: string): void {
    for (const key of this.#handlers) if (key.startsWith(`${plugin}\n`)) this.#handlers.delete(key);
  }

  /** The grant of a call, or why there is none. */
  async check(token: string, path: string): Promise<Grant | Refusal> {
    const grant = await this.#grantOf(token);
    if (grant === undefined) return refusals.token;
    if (!path.startsWith(grant.methodPrefix)) return refusals.method;
    if (!this.#liveSessions.has(grant.session)) return refusals.session;
    return this.#handlers.has(handlerKey(grant)) ? grant : refusals.handler;
  }

  async #grantOf(token: string): Promise<Grant | undefined> {
    const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: ["HS256"] };
    const now = this.#now === undefined ? {} : { currentDate: this.#now };
    const verified = await jwtVerify(token, this.#key, { ...options, ...now }).catch(() => undefined);
    if (verified === undefined) return undefined;
    const { plugin, session_id, service, env_var, method_prefix } = verified.payload;
    return {
      plugin: String(plugin),
      session: String(session_id),
      service: String(service),
      variable: String(env_var),
      methodPrefix: String(method_prefix),
    };
  }
}

function handlerKey({ plugin, service, variable }: Grant): string {
  return [plugin, service, variable].join("\n");
}
