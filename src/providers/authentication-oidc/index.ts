// Sign-in with OpenID Connect: authorization code flow with PKCE, without any storage. docs/authentication.md says how to use it.
import {
  type BackoffSources,
  checkLoginSecret,
  defineAuthenticationProvider,
  type Provider,
  type ProviderRequest,
} from "../../worker/index.ts";
import { bearerUser } from "./bearer.ts";
import { beginLogin } from "./begin-login.ts";
import { checkClientSecret } from "./client.ts";
import { completeLogin } from "./complete-login.ts";
import { type OidcConfig, oidcConfig } from "./config.ts";
import { IssuerDocuments, type Sources } from "./issuer-documents.ts";
import { askingOf, type OidcCall } from "./oidc.ts";
import { checkSettings, settingsOf } from "./settings.ts";

export type { OidcAllow, OidcConfig, OidcIssuerConfig } from "./config.ts";

/** What a session's config does not say is taken from here. */
export interface OidcAuthenticationOptions extends OidcConfig {
  /** Milliseconds since the epoch; `Date.now` when left out. */
  readonly now?: () => number;
  /** Chance and pauses between tries when an issuer is busy. */
  readonly backoff?: BackoffSources;
}

/** Makes an authentication provider that signs people in through OpenID Connect issuers. */
export function oidcAuthentication({ now = Date.now, backoff, ...defaults }: OidcAuthenticationOptions = {}): Provider {
  const sources: Sources = { now, backoff };
  const documents = new IssuerDocuments(sources);
  const callOf = (request: ProviderRequest<OidcConfig>): OidcCall => ({
    ...{ request, documents, sources },
    settings: settingsOf(defaults, request.config),
  });
  return defineAuthenticationProvider<OidcConfig>({
    displayName: "OpenID Connect",
    description: "Signs people in through OpenID Connect issuers, and takes their bearer tokens.",
    config: oidcConfig,
    configure(request) {
      const { settings } = callOf(request);
      checkSettings(settings, request.config);
      if (settings.issuers.some(({ clientId }) => clientId !== undefined)) checkLoginSecret(request);
      for (const issuer of settings.issuers) checkClientSecret(issuer, request.bindings);
    },
    warnings: (request) => silentIssuers(callOf(request)),
    beginLogin: (input, request) => beginLogin(input, callOf(request)),
    completeLogin: (input, request) => completeLogin(input, callOf(request)),
    validateExternalToken: (input, request) => bearerUser(input, callOf(request)),
    sessionSettings: (request) => ({ ttlSeconds: callOf(request).settings.sessionTtlSeconds }),
  });
}

/** An issuer that does not answer now may answer when somebody signs in, so that this is no reason not to start. */
async function silentIssuers(call: OidcCall): Promise<string[]> {
  const asked = call.settings.issuers.map(async (issuer) => call.documents.metadata(askingOf(call, issuer)));
  const answers = await Promise.allSettled(asked);
  return answers.flatMap((answer) => (answer.status === "rejected" ? [sentence(answer.reason)] : []));
}

function sentence(reason: unknown): string {
  return reason instanceof Error ? ((reason as { rawMessage?: string }).rawMessage ?? reason.message) : "no answer";
}
