// The little of GitHub's API that a sign-in needs.
import { type AuthenticatedUser, Code, ConnectError, type ProviderRequest } from "gestalt-edge";
import { z } from "zod";

type Request = ProviderRequest<{ clientId: string; site: string; api: string }>;

const token = z.object({ access_token: z.string() });
const membership = z.object({ state: z.string() });
const profile = z.object({ id: z.int(), login: z.string(), name: z.string().nullish(), avatar_url: z.string() });
const emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));

/** One account, with the right to read about it. */
export class GitHub {
  readonly #token: string;
  readonly #request: Request;

  private constructor(token: string, request: Request) {
    this.#token = token;
    this.#request = request;
  }

  static async signIn(
    { code, verifier, callbackUrl }: { code: string; verifier: string; callbackUrl: string },
    request: Request,
  ): Promise<GitHub> {
    const { GITHUB_CLIENT_SECRET } = request.bindings;
    const body = new URLSearchParams({
      ...{ client_id: request.config.clientId, client_secret: String(GITHUB_CLIENT_SECRET) },
      ...{ code, code_verifier: verifier, redirect_uri: callbackUrl },
    });
    const { signal } = request;
    const init = { method: "POST", body, signal, headers: { accept: "application/json" } };
    const answer = token.safeParse(await json(`${request.config.site}/login/oauth/access_token`, init));
    if (!answer.success) throw new ConnectError("GitHub did not take the code.", Code.Unauthenticated);
    return new GitHub(answer.data.access_token, request);
  }

  async isMember(organization: string): Promise<boolean> {
    const answer = await this.#get(`/user/memberships/orgs/${encodeURIComponent(organization)}`);
    return membership.safeParse(answer).data?.state === "active";
  }

  async user(): Promise<AuthenticatedUser | undefined> {
    const { id, login, name, avatar_url } = profile.parse(await this.#get("/user"));
    const primary = emails.parse(await this.#get("/user/emails")).find(({ primary }) => primary);
    if (primary === undefined) return undefined;
    const { email, verified } = primary;
    return { subject: String(id), email, emailVerified: verified, displayName: name ?? login, avatarUrl: avatar_url };
  }

  #get(path: string): Promise<unknown> {
    const { config, signal } = this.#request;
    const headers = {
      authorization: `Bearer ${this.#token}`,
      "user-agent": "gestalt-edge",
      accept: "application/json",
    };
    return json(config.api + path, { headers, signal });
  }
}

/** Undefined when GitHub says no. */
async function json(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (response.status >= 500) throw new ConnectError("GitHub does not answer. Try again.", Code.Unavailable);
  return response.ok ? response.json() : undefined;
}
