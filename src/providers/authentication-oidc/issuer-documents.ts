// What an issuer says of itself: its discovery document and the public keys its tokens are signed with.
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { createLocalJWKSet } from "jose/jwks/local";
import {
  type AuthorizationServer,
  allowInsecureRequests,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from "oauth4webapi";
import { type BackoffSources, Code, ConnectError, withBackoff } from "../../worker/index.ts";
import { inStep } from "./errors.ts";
import { type FetchLimits, isPassing, issuerFetch } from "./issuer-fetch.ts";
import { type Keeper, KeptDocuments } from "./kept-documents.ts";
import { BACKOFF, FRESH_MS } from "./limits.ts";
import type { Issuer, Settings } from "./settings.ts";

/** The provider's own sources, which tests replace. */
export interface Sources {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly backoff: BackoffSources | undefined;
}

/** What asking an issuer takes. */
export interface Asking {
  readonly issuer: Issuer;
  readonly settings: Settings;
  readonly request: Keeper;
}

/** One for each provider value. Documents are public and belong to issuers, so that sessions share them. */
export class IssuerDocuments {
  readonly #metadata: KeptDocuments<AuthorizationServer>;
  readonly #keys: KeptDocuments<JWTVerifyGetKey>;
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#metadata = new KeptDocuments(sources.now);
    this.#keys = new KeptDocuments(sources.now);
    this.#sources = sources;
  }

  /** Throws UNAVAILABLE when the issuer cannot be asked, FAILED_PRECONDITION when it is none, or another than configured. */
  metadata(asking: Asking): Promise<AuthorizationServer> {
    const { url } = asking.issuer;
    const wanted = { url, load: () => this.#discover(asking), sinceMs: this.#freshSince(), kin: kinOf(asking) };
    return this.#metadata.get(wanted, asking.request);
  }

  /** The issuer's keys, from `sinceMs` or later when that is said. */
  async keys(metadata: AuthorizationServer, asking: Asking, sinceMs = this.#freshSince()): Promise<JWTVerifyGetKey> {
    const url = metadata.jwks_uri ?? "";
    // Before what is kept is looked at: another issuer, on this machine, may have its keys there by plain http.
    const isFit = URL.parse(url)?.protocol === "https:" || (isInsecure(asking.issuer) && URL.canParse(url));
    if (!isFit) {
      throw new ConnectError(`${whatOf(asking.issuer, "key set")} has no address of https.`, Code.FailedPrecondition);
    }
    const wanted = { url, load: () => this.#fetchKeys(url, asking), sinceMs, kin: kinOf(asking) };
    return this.#keys.get(wanted, asking.request);
  }

  #freshSince(): number {
    return this.#sources.now() - FRESH_MS;
  }

  #discover(asking: Asking): Promise<AuthorizationServer> {
    const { issuer } = asking;
    const what = whatOf(issuer, "discovery document");
    return inStep({ what, code: Code.FailedPrecondition }, () =>
      this.#persistently(async () => {
        const identifier = new URL(issuer.url);
        const answer = await discoveryRequest(identifier, {
          [customFetch]: (url, init) => issuerFetch(url, init, limitsOf(asking, what)),
          [allowInsecureRequests]: isInsecure(issuer),
        });
        return processDiscoveryResponse(identifier, answer);
      }),
    );
  }

  #fetchKeys(url: string, asking: Asking): Promise<JWTVerifyGetKey> {
    const { issuer } = asking;
    const what = whatOf(issuer, "key set");
    return inStep({ what, code: Code.FailedPrecondition }, () =>
      this.#persistently(async () => {
        const headers = { accept: "application/jwk-set+json, application/json" };
        const answer = await issuerFetch(url, { headers }, limitsOf(asking, what));
        const keys: unknown = answer.ok ? await answer.json().catch(() => undefined) : undefined;
        if (isKeySet(keys)) return createLocalJWKSet(keys);
        throw new ConnectError(`${what} is none (${answer.status}).`, Code.FailedPrecondition);
      }),
    );
  }

  /** Reading changes nothing, so it is tried again. Others wait too: the pauses do not end with the caller. */
  #persistently<T>(read: () => Promise<T>): Promise<T> {
    return withBackoff(read, isPassing, BACKOFF, new AbortController(), this.#sources.backoff);
  }
}

/** How the sentences of failures begin: `"google": the token endpoint`. */
export function whatOf({ name }: Issuer, thing: string): string {
  return `"${name}": the ${thing}`;
}

/** Plain http, which the config allows on this machine alone. */
export function isInsecure({ url }: Issuer): boolean {
  return url.startsWith("http:");
}

/** Without the caller's signal: others wait for the same document. */
function limitsOf({ settings: { timeoutSeconds } }: Asking, what: string): FetchLimits {
  return { what, timeoutSeconds };
}

/** Sessions may know an issuer by different names, which must not show in each other's errors. */
function kinOf({ issuer, settings }: Asking): string {
  return `${issuer.name} ${settings.timeoutSeconds}`;
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== "object" || value === null || !("keys" in value) || !Array.isArray(value.keys)) return false;
  return value.keys.every((key) => typeof key === "object" && key !== null);
}
