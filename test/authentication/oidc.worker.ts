// The worker under test: the ready-made provider with a clock that tests move, and one whose issuers stand in the code.
import { oidcAuthentication } from "../../src/providers/authentication-oidc/index.ts";
import { type BackoffSources, serve } from "../../src/worker/index.ts";

let skewMs = 0;
const now = () => Date.now() + skewMs;

/** Tries again at once. */
const backoff: BackoffSources = { random: () => 0, sleep: async () => undefined };

const app = serve({
  oidc: oidcAuthentication({ now, backoff }),
  coded: oidcAuthentication({
    sessionTtlSeconds: 3600,
    issuers: {
      acme: { issuer: "https://issuer.invalid", clientId: "gestalt", clientSecret: "ACME_SECRET", allow: "anyone" },
    },
  }),
});

export default {
  async fetch(request: Request, env: { OIDC_SECRET?: string }, context: ExecutionContext): Promise<Response> {
    // Secrets as a Secrets Store has them, one of them lost.
    const stores = { OIDC_STORE: { get: async () => env.OIDC_SECRET }, OIDC_LOST: { get: async () => undefined } };
    if (new URL(request.url).pathname !== "/test/clock") return app.fetch(request, { ...env, ...stores }, context);
    skewMs = await request.json<number>();
    return new Response();
  },
};
