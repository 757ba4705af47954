// What the example asks of GitHub, as GitHub answers it: codes for one use, bound to a challenge, and three of the API's methods.
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export const GITHUB_SECRET = "github-client-secret";

export interface Account {
  readonly login: string;
  readonly organizations: readonly string[];
  readonly emails: readonly { readonly email: string; readonly primary: boolean; readonly verified: boolean }[];
}

export interface GitHubStandIn {
  readonly url: string;
  /** The page on which somebody agrees; answers with the query of the redirect. */
  agree(authorizationUrl: string, account: Account): Record<string, string>;
  stop(): Promise<void>;
}

export async function startGitHub(): Promise<GitHubStandIn> {
  const codes = new Map<string, { readonly account: Account; readonly challenge: string }>();
  const tokens = new Map<string, Account>();
  const exchange = (form: URLSearchParams) => {
    const code = form.get("code") ?? "";
    const asked = codes.get(code);
    codes.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const fits = form.get("client_secret") === GITHUB_SECRET && asked?.challenge === challenge;
    // GitHub tells of errors with status 200.
    if (!fits) return { error: "bad_verification_code" };
    const token = randomUUID();
    tokens.set(token, asked.account);
    return { access_token: token, token_type: "bearer" };
  };
  const read = (path: string, { login, organizations, emails }: Account) => {
    if (path === "/user") return { id: 1, login, name: null, avatar_url: "https://github.example/a.png" };
    if (path === "/user/emails") return emails;
    const organization = /^\/user\/memberships\/orgs\/(.+)$/.exec(path)?.[1] ?? "";
    return organizations.includes(organization) ? { state: "active" } : undefined;
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    const account = tokens.get(request.headers.authorization?.replace("Bearer ", "") ?? "");
    const isExchange = path === "/login/oauth/access_token";
    const answer = isExchange ? exchange(new URLSearchParams(await text(request))) : account && read(path, account);
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? { message: "Not Found" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    agree(authorizationUrl, account) {
      const { searchParams } = new URL(authorizationUrl);
      const code = randomUUID();
      codes.set(code, { account, challenge: searchParams.get("code_challenge") ?? "" });
      return { code, state: searchParams.get("state") ?? "" };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
