// A real OAuth server (npm: oidc-provider) on loopback: it rotates refresh tokens, and takes everything back when one is used twice.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import * as oidc from "oidc-provider";

/** Its secret stands in no log and no error. */
export const SECRET = "oauth-client-s3cr3t";

export interface OAuthServer {
  readonly tokenUrl: string;
  /** A refresh token as a user who has connected would have it. */
  connect(): Promise<string>;
  /** Whether it would still answer for an access token. */
  knows(accessToken: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** What is used of its models, for which the package brings no types. */
interface Models {
  readonly Client: { find(id: string): Promise<object> };
  readonly Grant: new (fields: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
  readonly RefreshToken: new (fields: object) => { save(): Promise<string> };
  readonly AccessToken: { find(value: string): Promise<object | undefined> };
}

export async function startOAuthServer(): Promise<OAuthServer> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: "1" };
  const client = {
    ...{ redirect_uris: ["https://gestalt.example/callback"], client_secret: SECRET, scope: "openid offline_access" },
    grant_types: ["authorization_code", "refresh_token", "client_credentials"],
  };
  const handle = Promise.withResolvers<ReturnType<oidc.Provider["callback"]>>();
  const server = createServer(async (request, response) => (await handle.promise)(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = quietly(
    () =>
      new oidc.Provider(url, {
        jwks: { keys: [jwk] },
        clients: [
          { ...client, client_id: "by-header", token_endpoint_auth_method: "client_secret_basic" },
          { ...client, client_id: "by-body", token_endpoint_auth_method: "client_secret_post" },
        ],
        features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
        rotateRefreshToken: true,
        findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
        ttl: { AccessToken: 3600, RefreshToken: 24 * 3600, Grant: 24 * 3600, ClientCredentials: 600 },
      }),
  );
  handle.resolve(provider.callback());
  const models = provider as unknown as Models;
  return {
    tokenUrl: `${url}/token`,
    async connect() {
      const [clientId, accountId, scope] = ["by-header", "ada", "openid offline_access"];
      const grant = new models.Grant({ clientId, accountId });
      grant.addOIDCScope(scope);
      const grantId = await grant.save();
      const fields = {
        client: await models.Client.find(clientId),
        accountId,
        grantId,
        scope,
        gty: "authorization_code",
      };
      return new models.RefreshToken({ ...fields, claims: {} }).save();
    },
    knows: async (accessToken) => (await models.AccessToken.find(accessToken)) !== undefined,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The package warns on the console of what a server that is not for tests would need. */
function quietly<T>(make: () => T): T {
  const { warn, info } = console;
  Object.assign(console, { warn: () => undefined, info: () => undefined });
  try {
    return make();
  } finally {
    Object.assign(console, { warn, info });
  }
}
