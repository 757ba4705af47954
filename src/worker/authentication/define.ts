// What the author of an authentication provider writes, and what becomes of it.
import type { ProviderRequest } from "../call.ts";
import type { Provider, ProviderOptions } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import type {
  AuthenticatedUser,
  ExternalToken,
  LoginRedirect,
  LoginReturn,
  LoginStart,
  SessionSettings,
} from "./objects.ts";
import { authenticationSurface } from "./surface.ts";

type Answer<T> = T | Promise<T>;

/**
 * The handlers of an authentication provider. Nothing is kept between the two calls of a sign-in: what `completeLogin` must know
 * travels in `providerState`. A `ConnectError` thrown goes out as it is, anything else as INTERNAL. gestaltd tells the browser "login
 * failed" of any error, and its operator the text, which must hold no secret.
 */
export interface AuthenticationHandlers<Config = unknown> {
  /** Starts a sign-in. */
  beginLogin(input: LoginStart, request: ProviderRequest<Config>): Answer<LoginRedirect>;
  /** Turns the identity provider's redirect into a user; undefined and null are a refusal. Called once for each redirect. */
  completeLogin(input: LoginReturn, request: ProviderRequest<Config>): Answer<AuthenticatedUser | null | undefined>;
  /**
   * Whose bearer token it is; undefined and null are a refusal. gestaltd asks for every request with a token that is not its own.
   * UNIMPLEMENTED when left out, so that there are no such tokens.
   */
  validateExternalToken?(
    input: ExternalToken,
    request: ProviderRequest<Config>,
  ): Answer<AuthenticatedUser | null | undefined>;
  /** Asked once, when gestaltd has configured the provider. */
  sessionSettings?(request: ProviderRequest<Config>): Answer<SessionSettings>;
}

export interface AuthenticationProviderOptions<Config = unknown>
  extends ProviderOptions<Config>,
    AuthenticationHandlers<Config> {}

/** Makes an authentication provider for `serve({ … })`. gestaltd offers its kind no host services. */
export function defineAuthenticationProvider<Config = Record<string, unknown>>(
  options: AuthenticationProviderOptions<Config>,
): Provider {
  return { kind: "authentication", ...providerBase(options), surfaces: [authenticationSurface(options)] };
}
