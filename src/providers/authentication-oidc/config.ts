// The config of the provider: who may sign in through which issuers. The texts stand here because zod/mini has none of its own.
import * as z from "zod/mini";
import { parseEmail } from "../../worker/index.ts";
import { unknownKeys } from "../config-parts.ts";
import { isDomainPattern } from "./email-rules.ts";
import { MAX_CLOCK_TOLERANCE_SECONDS, MAX_TIMEOUT_SECONDS } from "./limits.ts";

/** Public-key signatures (RFC 7518, RFC 8037, RFC 9864). `none` and shared secrets are not among them, whatever a config says. */
export const ALGORITHMS = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const),
] as const;

/** Longest session that gestaltd can be told, in seconds: 400 days. */
const MAX_SESSION_SECONDS = 400 * 24 * 3600;

/** Longest time a sign-in may take, in seconds; gestaltd's own cookie for it ends after as long. */
const MAX_LOGIN_SECONDS = 600;

/** Parameters of the authorization request that the sign-in itself makes, or whose promise nobody would check. */
const OWN_PARAMETERS = new Set([
  ...["response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "max_age"],
  ...["code_challenge", "code_challenge_method", "request", "request_uri", "registration", "id_token_hint"],
]);

const BINDING_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

const text = z.string({ error: "must be text" }).check(z.minLength(1, "must not be empty"));

/** RFC 6749 §3.3. */
const scope = z.string({ error: "must be a scope" }).check(z.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be one scope"));

const domain = z
  .string({ error: "must be a domain" })
  .check(z.refine(isDomainPattern, "must be a domain, acme.com, or *.acme.com for those below it"));

const email = z
  .string({ error: "must be an email address" })
  .check(z.refine((address) => parseEmail(address) !== undefined, "must be an email address"));

const seconds = (most: number) => {
  const error = `must be a whole number of seconds from 1 to ${most}`;
  return z.int({ error }).check(z.minimum(1, error), z.maximum(most, error));
};

const allow = z.union(
  [
    z.literal("anyone"),
    z
      .strictObject({ domains: z.optional(z.array(domain)), emails: z.optional(z.array(email)) })
      .check(z.refine(({ domains = [], emails = [] }) => domains.length + emails.length > 0)),
  ],
  'must be {domains: […], emails: […]} with at least one, or "anyone" for everybody whom the issuer knows',
);

const issuer = z.strictObject(
  {
    /** The issuer's identifier, as its tokens have it in `iss`; its discovery document lies below it. */
    issuer: z.string({ error: "must be a URL" }).check(z.refine(isIssuer, "must be a URL of https, without a query")),
    /** Who we are to it. Without it the issuer signs nobody in. */
    clientId: z.optional(text),
    /** Name of the Worker secret with the client's secret; a public client has none. */
    clientSecret: z.optional(
      z
        .string({ error: "must be the name of a Worker secret" })
        // No pattern: gestaltd prints what does not fit one, and that may be the secret itself, put in the wrong place.
        .check(
          z.refine((name) => BINDING_NAME.test(name), "must be the name of a Worker secret, never the secret itself"),
        ),
    ),
    /** How the secret is sent; as the issuer prefers when left out. */
    clientAuthentication: z.optional(z.enum(["basic", "post"], { error: "must be basic or post" })),
    /** `openid email profile` when left out. */
    scopes: z.optional(z.array(scope, { error: "must be a list of scopes" })),
    /** More parameters of the authorization request, such as `prompt` or `hd`. */
    parameters: z.optional(
      z.record(
        z.string().check(z.refine((name) => !OWN_PARAMETERS.has(name), "belongs to the sign-in itself")),
        z.string({ error: "must be text" }),
        { error: "must be a map of texts, without those that belong to the sign-in itself" },
      ),
    ),
    /** Who may come. There is no default: gestaltd lets in whoever this provider vouches for. */
    allow,
    /** Domains whose addresses this issuer has verified, though it does not say so of each: those of the company that runs it. */
    verifiedDomains: z.optional(z.array(domain, { error: "must be a list of domains" })),
    /** Claim with the email address; `email` when left out. */
    emailClaim: z.optional(text),
    /** For whom bearer tokens of the issuer have to be. Without it none are taken. */
    audiences: z.optional(z.array(text, { error: "must be a list of audiences" }).check(z.minLength(1, "is empty"))),
    /** Signature algorithms that are accepted; all of {@link ALGORITHMS} when left out. */
    algorithms: z.optional(
      z
        .array(z.enum(ALGORITHMS, { error: `must be among ${ALGORITHMS.join(", ")}` }), {
          error: "must be a list of algorithms",
        })
        .check(z.minLength(1, "is empty")),
    ),
  },
  unknownKeys(
    ...["issuer", "clientId", "clientSecret", "clientAuthentication", "scopes", "parameters", "allow"],
    ...["verifiedDomains", "emailClaim", "audiences", "algorithms"],
  ),
);

const issuerName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be 1 to 64 letters, digits, dots, underscores or hyphens"));

export const oidcConfig = z.strictObject(
  {
    /** Issuers by names of one's own. Replaces those of the worker's code. */
    issuers: z.optional(z.record(issuerName, issuer, { error: "must be a map of issuers by name" })),
    /** Which of them signs people in; the only one with a `clientId` when left out. */
    login: z.optional(text),
    /** How long a sign-in lasts; gestaltd's 24 hours when left out. */
    sessionTtlSeconds: z.optional(seconds(MAX_SESSION_SECONDS)),
    /** How long somebody may take to sign in; 10 minutes when left out. */
    loginTtlSeconds: z.optional(seconds(MAX_LOGIN_SECONDS)),
    /** How far the clocks of issuers and of the worker may differ; 30 when left out. */
    clockToleranceSeconds: z.optional(
      z
        .int({ error: "must be a whole number of seconds" })
        .check(
          z.minimum(0, "is below 0"),
          z.maximum(MAX_CLOCK_TOLERANCE_SECONDS, `is over ${MAX_CLOCK_TOLERANCE_SECONDS}`),
        ),
    ),
    /** How long an issuer has to answer one request; 8 when left out. */
    timeoutSeconds: z.optional(seconds(MAX_TIMEOUT_SECONDS)),
  },
  unknownKeys(
    ...["issuers", "login", "sessionTtlSeconds", "loginTtlSeconds", "clockToleranceSeconds", "timeoutSeconds"],
  ),
);

export type OidcConfig = z.infer<typeof oidcConfig>;

export type OidcIssuerConfig = z.infer<typeof issuer>;

export type OidcAllow = z.infer<typeof allow>;

/** https, or plain http on this machine, where issuers for trying things out run. */
function isIssuer(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

function isLoopback(hostname: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}
