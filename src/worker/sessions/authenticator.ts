// Finds the session of a request: reads its token, verifies each distinct token once, keeps what came out.
import { JWKS_BINDING, NAME_BINDING } from "../../wire/bindings.ts";
import type { Bindings } from "../call.ts";
import { createLog } from "../log.ts";
import { BoundedMap } from "./bounded-map.ts";
import { refusedSession, unauthenticated } from "./refusals.ts";
import type { Session } from "./session.ts";
import { readTrust, type Trust } from "./trust.ts";
import { assertLive, type KnownTrust, type VerifiedToken, verifyToken } from "./verify-token.ts";

/** Tokens kept per isolate. One with full config and variables is some 44 KiB, so this is 11 MiB of 128 at worst. */
const TOKENS_KEPT = 256;

const BEARER = /^Bearer +([\w-]+\.[\w-]*\.[\w-]*) *$/i;

/** Lives as long as its isolate. */
export class Authenticator {
  readonly #afterlifeSeconds: number;
  readonly #tokensKept: number;
  #trusting: Trusting | undefined;

  /** Tokens stay good for `afterlifeSeconds` after they have expired, and for the difference of clocks that is always forgiven. */
  constructor(afterlifeSeconds = 0, tokensKept = TOKENS_KEPT) {
    this.#afterlifeSeconds = afterlifeSeconds;
    this.#tokensKept = tokensKept;
  }

  /**
   * The session of the request's token: at once when the token was seen before, else as a promise. Throws or rejects
   * UNAUTHENTICATED. Never touches the body.
   */
  authenticate(headers: Headers, bindings: Bindings): Session | Promise<Session> {
    const trusted = this.#trustedBy(bindings);
    const header = headers.get("authorization");
    if (header === null) throw unauthenticated("absent");
    const token = BEARER.exec(header)?.[1];
    if (token === undefined) throw unauthenticated("malformed");
    return this.#sessionOf(token, trusted);
  }

  /** As {@link authenticate}, for a token by itself. */
  verify(token: string, bindings: Bindings): Session | Promise<Session> {
    return this.#sessionOf(token, this.#trustedBy(bindings));
  }

  #sessionOf(token: string, { trust, verified }: Trusted): Session | Promise<Session> {
    const known = verified.get(token);
    if (known === undefined) {
      return verifyToken(token, trust, this.#afterlifeSeconds).then((fresh) => {
        verified.set(token, fresh);
        return fresh.session;
      });
    }
    assertLive(known, Date.now() / 1000, this.#afterlifeSeconds);
    return known.session;
  }

  #trustedBy(bindings: Bindings): Trusted {
    const { trust, verified } = this.#trustOf(bindings);
    if (!("missing" in trust)) return { trust, verified };
    throw refusedSession(`This worker trusts no bridge yet. ${trust.missing}`);
  }

  /** Variables stay the same for an isolate's whole life; should they change, nothing verified before counts. */
  #trustOf(bindings: Bindings): Trusting {
    const jwks = bindings[JWKS_BINDING];
    const name = bindings[NAME_BINDING];
    const known = this.#trusting;
    if (known !== undefined && known.jwks === jwks && known.name === name) return known;
    const trust = readTrust(bindings);
    if ("missing" in trust) createLog().error(`gestalt-edge refuses every request. ${trust.missing}`);
    this.#trusting = { jwks, name, trust, verified: new BoundedMap(this.#tokensKept) };
    return this.#trusting;
  }
}

interface Trusted {
  readonly trust: KnownTrust;
  readonly verified: BoundedMap<string, VerifiedToken>;
}

interface Trusting {
  readonly jwks: unknown;
  readonly name: unknown;
  readonly trust: Trust;
  readonly verified: BoundedMap<string, VerifiedToken>;
}
