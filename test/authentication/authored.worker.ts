// Providers as an author may write them, well and badly. The session's config says what the handlers answer.
import {
  type AuthenticatedUser,
  checkLoginSecret,
  defineAuthenticationProvider,
  type LoginRedirect,
  openLoginState,
  type SessionSettings,
  sealLoginState,
  serve,
} from "../../src/worker/index.ts";

interface Answers {
  readonly redirect?: LoginRedirect;
  /** Bytes of the provider state. */
  readonly stateBytes?: number;
  readonly user?: AuthenticatedUser | null;
  readonly settings?: SessionSettings;
  readonly fail?: string;
}

const URL_OF_IDP = "https://idp.example/authorize?state=own";

export default serve({
  /** Answers as its config says, and tells what it was given as the user's claims. */
  scripted: defineAuthenticationProvider<Answers>({
    beginLogin(input, { config }) {
      if (config.fail) throw new Error(config.fail);
      if (config.redirect) return config.redirect;
      const providerState = new Uint8Array(config.stateBytes ?? 0);
      const given = new URLSearchParams({ callback: input.callbackUrl, scopes: input.scopes.join(), ...input.options });
      return { authorizationUrl: new URL(`${URL_OF_IDP}&${given}`), providerState };
    },
    completeLogin: ({ query }, { config }) => (config.user === undefined ? person(query) : config.user),
    validateExternalToken: ({ token }, { config }) => (config.user === undefined ? person({ token }) : config.user),
    sessionSettings: ({ config }) => config.settings ?? {},
  }),

  /** What must be there and no more. */
  least: defineAuthenticationProvider({
    beginLogin: () => ({ authorizationUrl: URL_OF_IDP }),
    completeLogin: () => undefined,
  }),

  /** Keeps what it is told in the state. */
  sealing: defineAuthenticationProvider<{ readonly lifetime?: number }>({
    configure: checkLoginSecret,
    async beginLogin({ callbackUrl, options }, request) {
      const state = await sealLoginState(options, { callbackUrl, request }, request.config.lifetime);
      return { authorizationUrl: URL_OF_IDP, providerState: state };
    },
    async completeLogin({ callbackUrl, providerState }, request) {
      return person(await openLoginState(providerState, { callbackUrl, request }));
    },
  }),
});

function person(claims: Readonly<Record<string, string>>): AuthenticatedUser {
  return { subject: "1", email: "ada@acme.com", emailVerified: true, claims };
}
