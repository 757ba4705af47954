// examples/authentication as a reader would run it: embedded, behind the bridge that gestaltd starts, with a secret in .dev.vars.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { AuthenticationProvider } from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { copyExample } from "../cli/cli.ts";
import { type BridgeProcess, grpcError, nodeEnded, startBridgeProcess } from "../support/bridge-process.ts";
import { type Account, GITHUB_SECRET, type GitHubStandIn, startGitHub } from "./github.ts";
import { unwrap, wrap } from "./host.ts";
import { CALLBACK, CLIENT_SECRET, startIssuer, type TestIssuer } from "./issuer.ts";

const { beginLogin, completeLogin, getSessionSettings, validateExternalToken } = AuthenticationProvider.method;

const ADA: Account = {
  login: "ada",
  organizations: ["acme"],
  emails: [
    { email: "old@acme.com", primary: false, verified: true },
    { email: "ada@acme.com", primary: true, verified: true },
  ],
};

describe("the example", () => {
  let copy: Awaited<ReturnType<typeof copyExample>>;
  let github: GitHubStandIn;
  let issuer: TestIssuer;
  before(async () => {
    [copy, github, issuer] = await Promise.all([copyExample("authentication"), startGitHub(), startIssuer()]);
    const secrets = { GITHUB_CLIENT_SECRET: GITHUB_SECRET, OIDC_MAIN: CLIENT_SECRET };
    const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(copy.folder, ".dev.vars"), lines.join(""));
  });
  after(async () => {
    await nodeEnded(join(copy.folder, ".gestalt-edge/state"));
    await Promise.all([copy.remove(), github.stop(), issuer.stop()]);
  });

  const start = async (t: TestContext, provider: string, config: object): Promise<BridgeProcess> => {
    const bridge = await startBridgeProcess(t, "authentication", { name: "login" });
    await bridge.configure({ worker: { project: copy.folder, provider }, ...config });
    return bridge;
  };

  it("signs in members of the organization, with GitHub", async (t) => {
    const config = { clientId: "Iv1.0", organization: "acme", site: github.url, api: github.url };
    const bridge = await start(t, "github", config);
    const signIn = async (account: Account, change: (query: Record<string, string>) => object = () => ({})) => {
      const { authorizationUrl, providerState } = await bridge.call(beginLogin, { callbackUrl: CALLBACK });
      const query = github.agree(authorizationUrl, account);
      const redirect = { query: { ...query, ...change(query) }, providerState, callbackUrl: CALLBACK };
      return { redirect, user: await bridge.call(completeLogin, redirect) };
    };
    const { user, redirect } = await signIn(ADA);
    assert.deepEqual([user.email, user.displayName, user.subject], ["ada@acme.com", "ada", "1"]);
    assert.equal((await bridge.call(getSessionSettings, {})).sessionTtlSeconds, 28_800n);
    const { UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED } = grpc.status;
    await assert.rejects(bridge.call(completeLogin, redirect), grpcError(UNAUTHENTICATED, /did not take the code/));
    await assert.rejects(signIn({ ...ADA, organizations: [] }), grpcError(UNAUTHENTICATED, /Nobody has signed in/));
    await assert.rejects(
      signIn({ ...ADA, emails: [{ email: "ada@acme.com", primary: true, verified: false }] }),
      grpcError(PERMISSION_DENIED, /has not been verified/),
    );
    await assert.rejects(
      signIn(ADA, () => ({ state: "x" })),
      grpcError(UNAUTHENTICATED, /not of this sign-in/),
    );
    await assert.rejects(bridge.call(validateExternalToken, { token: "x" }), grpcError(UNIMPLEMENTED, /./));
  });

  it("signs in through OpenID Connect, with no more secrets than the client's", async (t) => {
    const main = { issuer: issuer.url, clientId: "confidential", clientSecret: "OIDC_MAIN", allow: "anyone" };
    const bridge = await start(t, "company", { issuers: { main } });
    const identity = await bridge.call(ProviderLifecycle.method.getProviderIdentity, {});
    assert.deepEqual([identity.kind, identity.warnings], [ProviderKind.AUTHENTICATION, []]);
    const begun = await bridge.call(beginLogin, { callbackUrl: CALLBACK });
    const redirect = unwrap(await issuer.signIn(wrap(begun), "ada"));
    assert.equal((await bridge.call(completeLogin, redirect)).email, "Ada@Acme.com");
  });
});
