// An OpenID provider for one machine: whoever says any name is that name at example.com. For trying out; in its place goes your
// company's own (Google, Okta, Entra, Keycloak, …).
//
// Variables: PORT (9000), CALLBACK (gestaltd's, on port 8080), OIDC_CLIENT_SECRET (as in dev.vars.example).
import { Provider } from "oidc-provider";

const PORT = Number(process.env.PORT ?? 9000);
const CALLBACK = process.env.CALLBACK ?? "http://127.0.0.1:8080/api/v1/auth/login/callback";
const CLIENT_SECRET = process.env.OIDC_CLIENT_SECRET ?? "a secret for one machine";

const issuer = `http://127.0.0.1:${PORT}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "gestaltd", client_secret: CLIENT_SECRET, redirect_uris: [CALLBACK] }],
  claims: { email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  findAccount: (_context, name) => ({
    accountId: name,
    claims: () => ({ sub: name, name, email: `${name}@example.com`, email_verified: true }),
  }),
});

const server = provider.listen(PORT, "127.0.0.1", () => process.stdout.write(`issuer ${issuer}\n`));
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
