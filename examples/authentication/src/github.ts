// Sign-in with GitHub: whoever is a member of the organization may come, under the primary address of their account.
import {
  Code,
  ConnectError,
  checkLoginSecret,
  defineAuthenticationProvider,
  openLoginState,
  sealLoginState,
} from "gestalt-edge";
import { z } from "zod";
import { GitHub } from "./github-api.ts";

const config = z.object({
  clientId: z.string(),
  organization: z.string(),
  /** Those of a GitHub Enterprise server, say. */
  site: z.url().default("https://github.com"),
  api: z.url().default("https://api.github.com"),
});

export const github = defineAuthenticationProvider<z.infer<typeof config>>({
  displayName: "GitHub",
  config,
  configure: checkLoginSecret,

  async beginLogin({ callbackUrl }, request) {
    const { site, clientId } = request.config;
    const [state, verifier] = [random(), random()];
    const authorizationUrl = new URL(`${site}/login/oauth/authorize`);
    authorizationUrl.search = String(
      new URLSearchParams({
        client_id: clientId,
        redirect_uri: callbackUrl,
        scope: "read:user user:email read:org",
        state,
        code_challenge: await challenge(verifier),
        code_challenge_method: "S256",
      }),
    );
    return { authorizationUrl, providerState: await sealLoginState({ state, verifier }, { callbackUrl, request }) };
  },

  async completeLogin({ query, providerState, callbackUrl }, request) {
    const { state, verifier = "" } = await openLoginState(providerState, { callbackUrl, request });
    // Both are sealed for one sign-in: a redirect or a code of another does not fit.
    if (query.state !== state) throw new ConnectError("The redirect is not of this sign-in.", Code.Unauthenticated);
    const account = await GitHub.signIn({ code: query.code ?? "", verifier, callbackUrl }, request);
    if (!(await account.isMember(request.config.organization))) return undefined;
    return account.user();
  },

  sessionSettings: () => ({ ttlSeconds: 8 * 3600 }),
});

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (sign) => ({ "+": "-", "/": "_" })[sign] ?? "");
}
