// Compile-only: what handlers of authentication providers get follows from `config`, and what they must answer is held to.
import * as z from "zod";
import { defineAuthenticationProvider, type Provider } from "../../src/worker/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const assertType = <T extends true>(): T | undefined => undefined;

const user = { subject: "1", email: "ada@acme.com", emailVerified: true };

export const whole: Provider = defineAuthenticationProvider({
  config: z.object({ domain: z.string() }),
  beginLogin: ({ callbackUrl, options }, request) => {
    assertType<Equal<typeof request.config, { domain: string }>>();
    const { hint } = options;
    assertType<Equal<typeof hint, string | undefined>>();
    return { authorizationUrl: new URL(`https://${request.config.domain}/?${callbackUrl}`) };
  },
  completeLogin: async ({ query, providerState }) => {
    const { code } = query;
    assertType<Equal<typeof code, string | undefined>>();
    return providerState.byteLength === 0 ? null : user;
  },
  validateExternalToken: ({ token }) => (token === "x" ? user : undefined),
  sessionSettings: ({ config }) => ({ ttlSeconds: config.domain.length }),
});

const least = { beginLogin: () => ({ authorizationUrl: "https://idp.example" }), completeLogin: () => user };
export const small: Provider = defineAuthenticationProvider(least);

// @ts-expect-error: a sign-in has two halves
defineAuthenticationProvider({ beginLogin: least.beginLogin });

// @ts-expect-error: whether the address is verified must be said
defineAuthenticationProvider({ ...least, completeLogin: () => ({ subject: "1", email: "ada@acme.com" }) });

// @ts-expect-error: a URL is needed
defineAuthenticationProvider({ ...least, beginLogin: () => ({ providerState: new Uint8Array() }) });
