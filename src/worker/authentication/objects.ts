// What the handlers of an authentication provider get and answer.

/** The start of a sign-in. */
export interface LoginStart {
  /** gestaltd's callback, an absolute URL of http or https. It has to be registered with the identity provider. */
  readonly callbackUrl: string;
  /** gestaltd's own state. It travels separately: no provider puts it into a URL. */
  readonly hostState: string;
  /** gestaltd sends none. */
  readonly scopes: readonly string[];
  /** gestaltd sends none. */
  readonly options: Readonly<Record<string, string>>;
}

/** Where the browser goes next. */
export interface LoginRedirect {
  /** Absolute, of http or https. gestaltd replaces its query parameter `state` and gives the original back. */
  readonly authorizationUrl: string | URL;
  /**
   * Comes back with {@link LoginReturn}, at most 3 KiB. It travels through the browser, and gestaltd neither signs nor hides it: seal it
   * with `sealLoginState`.
   */
  readonly providerState?: Uint8Array;
}

/** The browser has come back. */
export interface LoginReturn {
  /** Query parameters of the redirect. `state` is the one of the authorization URL, and is missing when that had none. */
  readonly query: Readonly<Record<string, string>>;
  /** What {@link LoginRedirect} held, or what somebody put in its place. */
  readonly providerState: Uint8Array;
  /** The one of {@link LoginStart}. */
  readonly callbackUrl: string;
}

/** A bearer token that is not one of gestaltd's own. */
export interface ExternalToken {
  /** A secret, 1 to 16,384 characters of visible ASCII. */
  readonly token: string;
}

/** Who signed in, or whose token it is. */
export interface AuthenticatedUser {
  /** The identity provider's id for the user. gestaltd does not look at it. */
  readonly subject: string;
  /** By this alone gestaltd knows people: whoever comes with an address *is* its user. */
  readonly email: string;
  /**
   * Whether the identity provider has made sure that the address is the user's. An unverified one is refused, because anybody could
   * claim anybody's.
   */
  readonly emailVerified: boolean;
  readonly displayName?: string | undefined;
  readonly avatarUrl?: string | undefined;
  readonly claims?: Readonly<Record<string, string>> | undefined;
}

export interface SessionSettings {
  /** How long a sign-in lasts, in whole seconds, at most 400 days; gestaltd's 24 hours when left out. */
  readonly ttlSeconds?: number | undefined;
}
