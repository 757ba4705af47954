// Issuer and worker for a test file, and the ways to sign in that its tests share.
import { after, before } from "node:test";
import { decodeJwt, type JWTPayload } from "jose";
import { type AuthenticatedUser, AuthenticationProvider } from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import { LOGIN_SECRET_BINDING } from "../../src/wire/bindings.ts";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { startWorker, type TestWorker, type TokenClaims } from "../support/worker-harness.ts";
import { type AuthenticationClient, loginUrl, type Redirect, unwrap } from "./host.ts";
import { AUDIENCE, CLIENT_SECRET, type IssuerOptions, startIssuer, type TestIssuer } from "./issuer.ts";

export const LOGIN_SECRET = "a login secret of no less than 32 bytes";

export interface Rig {
  readonly issuer: TestIssuer;
  readonly worker: TestWorker;
  /** Lines the worker has logged. */
  readonly log: string[];
  /** The config of one issuer, `main`, whose members given here win over those of the confidential client. */
  config(main?: JsonObject, others?: JsonObject): JsonObject;
  /** A client in a session of its own. */
  client(config?: JsonObject, claims?: TokenClaims): AuthenticationClient;
  /** Signs somebody in, up to the redirect. */
  redirect(client: AuthenticationClient, person?: string): Promise<Redirect>;
  /** The whole way. */
  signIn(client: AuthenticationClient, person?: string): Promise<AuthenticatedUser>;
  /** Puts the worker's clock so many milliseconds off. */
  clock(skewMs: number): Promise<void>;
  /** Makes the issuer's next ID tokens of what `forge` makes of the claims. */
  forgeIdTokens(forge: (claims: JWTPayload) => string | Promise<string>): void;
}

/** Starts both before the tests of the file, and stops them after. */
export function rigged(options: IssuerOptions = {}): Rig {
  const log: string[] = [];
  let issuer: TestIssuer;
  let worker: TestWorker;
  let sessions = 0;
  before(async () => {
    [issuer, worker] = await Promise.all([startIssuer(options), startOidcWorker(log)]);
  });
  after(async () => {
    await worker?.dispose();
    await issuer?.stop();
  });
  const rig: Rig = {
    get issuer() {
      return issuer;
    },
    get worker() {
      return worker;
    },
    log,
    config: (main = {}, others = {}) => ({
      issuers: {
        main: {
          issuer: issuer.url,
          ...{ clientId: "confidential", clientSecret: "OIDC_SECRET", allow: "anyone", audiences: [AUDIENCE] },
          ...main,
        },
      },
      ...others,
    }),
    client: (config = rig.config(), claims = {}) =>
      worker.client(AuthenticationProvider, { config, sid: `session-${sessions++}`, ...claims }),
    async redirect(client, person = "ada") {
      return unwrap(await issuer.signIn(await loginUrl(client), person));
    },
    signIn: async (client, person) => client.completeLogin(await rig.redirect(client, person)),
    clock: async (skewMs) => void (await worker.fetch("/test/clock", { method: "POST", body: String(skewMs) })),
    forgeIdTokens: (forge) =>
      issuer.answer("/token", async (_request, forward) => {
        const tokens = (await (await forward()).json()) as { id_token: string };
        return Response.json({ ...tokens, id_token: await forge(decodeJwt(tokens.id_token)) });
      }),
  };
  return rig;
}

export function startOidcWorker(log: string[] = [], vars: Readonly<Record<string, string | undefined>> = {}) {
  return startWorker({
    entry: new URL("./oidc.worker.ts", import.meta.url),
    provider: "oidc",
    onLog: (line) => log.push(line),
    vars: { [LOGIN_SECRET_BINDING]: LOGIN_SECRET, OIDC_SECRET: CLIENT_SECRET, ...vars },
  });
}

/** A token with this header and these claims, and no signature or the one given. */
export function unsigned(header: object, claims: object, signature = ""): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${signature}`;
}
