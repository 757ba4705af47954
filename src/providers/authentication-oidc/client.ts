// Who we are to an issuer: the client and how it proves that it is one.
import {
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  clockSkew,
  clockTolerance,
  None,
} from "oauth4webapi";
import { type Bindings, Code, ConnectError } from "../../worker/index.ts";
import { readBinding } from "../secrets-bindings/read-binding.ts";
import { whatOf } from "./issuer-documents.ts";
import type { OidcCall } from "./oidc.ts";
import type { Issuer } from "./settings.ts";

export interface OidcClient {
  readonly client: Client;
  readonly authentication: ClientAuth;
  /** Undefined for a public client. */
  readonly secret: string | undefined;
}

/** Throws FAILED_PRECONDITION when the secret is missing, or the issuer takes none in a way we can send it. */
export async function clientOf(
  issuer: Issuer & { readonly clientId: string },
  metadata: AuthorizationServer,
  { settings, request, sources }: OidcCall,
): Promise<OidcClient> {
  const client: Client = {
    client_id: issuer.clientId,
    [clockTolerance]: settings.clockToleranceSeconds,
    // The library looks at the machine's own clock.
    [clockSkew]: Math.round((sources.now() - Date.now()) / 1000),
  };
  if (issuer.clientSecret === undefined) return { client, authentication: None(), secret: undefined };
  const secret = await readBinding(request.bindings[issuer.clientSecret], issuer.clientSecret, request);
  if (secret === undefined || secret === "") throw missing(issuer.clientSecret);
  const send = { basic: ClientSecretBasic, post: ClientSecretPost }[
    issuer.clientAuthentication ?? preferred(issuer, metadata)
  ];
  return { client, authentication: send(secret), secret };
}

/** Throws FAILED_PRECONDITION, with what to do, when the worker has no such secret. */
export function checkClientSecret({ clientSecret }: Issuer, bindings: Bindings): void {
  if (clientSecret !== undefined && !bindings[clientSecret]) throw missing(clientSecret);
}

/** Basic is what holds where an issuer says nothing (OpenID Connect Discovery §3). */
function preferred(issuer: Issuer, metadata: AuthorizationServer): "basic" | "post" {
  const methods: unknown = metadata.token_endpoint_auth_methods_supported;
  if (!Array.isArray(methods) || methods.includes("client_secret_basic")) return "basic";
  if (methods.includes("client_secret_post")) return "post";
  const text = `${whatOf(issuer, "token endpoint")} takes no client secret by Basic authentication or in the request's body.`;
  throw new ConnectError(text, Code.FailedPrecondition);
}

function missing(name: string): ConnectError {
  const text = `The worker has no secret ${name}. Set it with: npx wrangler secret put ${name}`;
  return new ConnectError(text, Code.FailedPrecondition);
}
