// What gestaltd does around the provider: it wraps the URL's `state`, keeps nothing, and unwraps it when the browser is back.
import assert from "node:assert/strict";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type {
  AuthenticatedUser,
  AuthenticationProvider,
  BeginLoginResponse,
} from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import { CALLBACK } from "./issuer.ts";

export type AuthenticationClient = Client<typeof AuthenticationProvider>;

interface Wrapped {
  host_state: string;
  provider_state?: string;
  upstream_state?: string;
}

/** The URL the browser is sent to. */
export async function loginUrl(client: AuthenticationClient, options: Record<string, string> = {}): Promise<string> {
  return wrap(await client.beginLogin({ callbackUrl: CALLBACK, hostState: "host-state", options }));
}

/** The provider's URL with gestaltd's `state`, which carries the provider's state and its own. */
export function wrap({
  authorizationUrl,
  providerState,
}: Pick<BeginLoginResponse, "authorizationUrl" | "providerState">) {
  const url = new URL(authorizationUrl);
  const wrapped: Wrapped = {
    host_state: "host-state",
    provider_state: Buffer.from(providerState).toString("base64url"),
    upstream_state: url.searchParams.get("state") ?? "",
  };
  url.searchParams.set("state", Buffer.from(JSON.stringify(wrapped)).toString("base64url"));
  return url.href;
}

export interface Redirect {
  readonly query: Record<string, string>;
  readonly providerState: Uint8Array<ArrayBuffer>;
  readonly callbackUrl: string;
}

/** What the provider gets of a redirect's query. */
export function unwrap(query: Readonly<Record<string, string>>): Redirect {
  const text = Buffer.from(query.state ?? "", "base64url").toString();
  const { provider_state = "", upstream_state } = JSON.parse(text) as Wrapped;
  const { state: _, ...others } = query;
  return {
    query: { ...others, ...(upstream_state && { state: upstream_state }) },
    providerState: new Uint8Array(Buffer.from(provider_state, "base64url")),
    callbackUrl: CALLBACK,
  };
}

/** The fields gestaltd looks at. */
export function seen({ email, displayName, avatarUrl }: AuthenticatedUser) {
  return { email, displayName, avatarUrl };
}

/** The error of a call that must fail with this code. Its text holds none of `secrets`. */
export async function refusal(
  call: Promise<unknown>,
  code: Code,
  text: RegExp,
  secrets: readonly string[] = [],
): Promise<ConnectError> {
  const error = await call.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, String(error));
  assert.equal(Code[error.code], Code[code], error.message);
  assert.match(error.rawMessage, text);
  for (const secret of secrets) assert.ok(!error.message.includes(secret), error.message);
  return error;
}
