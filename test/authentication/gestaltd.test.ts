// A real gestaltd signs people in through the ready-made provider: by its own pages, a browser's cookies and a real OpenID provider.
import assert from "node:assert/strict";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { nodeEnded } from "../support/bridge-process.ts";
import { type Gestaltd, skipGestaltd, startGestaltd } from "../support/gestaltd/gestaltd.ts";
import { AUDIENCE, CLIENT_SECRET, startIssuer, type TestIssuer } from "./issuer.ts";

const repository = join(import.meta.dirname, "../..");
const LOGIN = "/api/v1/auth/login";
const CALLBACK = `${LOGIN}/callback`;
/** Something that gestaltd shows to nobody but its users. */
const PRIVATE = "/api/v1/tokens";
const SESSION_SECONDS = 1234;

describe("a real gestaltd", { skip: skipGestaltd ?? false }, () => {
  let folder = "";
  let issuer: TestIssuer;
  let gestaltd: Gestaltd;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gd-"));
    issuer = await startIssuer();
    const project = join(folder, "project");
    await cp(join(repository, "examples/authentication"), project, { recursive: true });
    await symlink(join(repository, "node_modules"), join(project, "node_modules"));
    await writeFile(join(project, ".dev.vars"), `OIDC_MAIN=${CLIENT_SECRET}\n`);
    const main = {
      ...{ issuer: issuer.url, clientId: "confidential", clientSecret: "OIDC_MAIN" },
      ...{ allow: { domains: ["acme.com"] }, audiences: [AUDIENCE] },
    };
    const worker = { project, state: join(folder, "state"), provider: "company" };
    const source = { path: join(repository, "dist/authentication/manifest.yaml") };
    const config = { worker, issuers: { main }, sessionTtlSeconds: SESSION_SECONDS };
    gestaltd = await startGestaltd(folder, { providers: { authentication: { login: { source, config } } } });
    issuer.register(gestaltd.url + CALLBACK);
  });

  after(async () => {
    await gestaltd?.stop();
    await nodeEnded(join(folder, "state"));
    await issuer?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(gestaltd.url + path, { redirect: "manual", headers });
  const cookieOf = (answer: Response) =>
    answer.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";")[0])
      .join("; ");

  /** Up to where the browser comes back. */
  const redirected = async (person: string) => {
    const begun = await ask(LOGIN);
    const query = await issuer.signIn(begun.headers.get("location") ?? "", person);
    return { path: `${CALLBACK}?${new URLSearchParams(query)}`, cookie: cookieOf(begun) };
  };

  it("shows nothing to those who have not signed in", async () => {
    assert.equal((await ask(PRIVATE)).status, 401);
    assert.equal((await ask(PRIVATE, { authorization: "Bearer made-up" })).status, 401);
  });

  it("signs somebody in, once, for as long as the config says", async () => {
    const { path, cookie } = await redirected("ada");
    const answer = await ask(path, { cookie });
    assert.ok([200, 302].includes(answer.status), `${answer.status} ${await answer.text()} ${gestaltd.log()}`);
    const session = answer.headers.getSetCookie().find((text) => /Max-Age=1234\b/.test(text));
    assert.ok(session, answer.headers.getSetCookie().join("\n"));
    assert.equal((await ask(PRIVATE, { cookie: cookieOf(answer) })).status, 200);
    assert.equal((await ask(path, { cookie })).status, 401);
    assert.match(gestaltd.log(), /complete login: .*refused the authorization code/);
  });

  it("turns others away", async () => {
    const { path, cookie } = await redirected("eve");
    assert.equal((await ask(path, { cookie })).status, 401);
    assert.match(gestaltd.log(), /complete login: .*evil\.example is not among those that may sign in/);
  });

  it("turns away a sign-in whose state was altered", async () => {
    const { path, cookie } = await redirected("ada");
    const url = new URL(path, gestaltd.url);
    const wrapped = JSON.parse(Buffer.from(url.searchParams.get("state") ?? "", "base64url").toString());
    const state = Buffer.from(wrapped.provider_state, "base64url");
    wrapped.provider_state = Buffer.from(state.with(30, (state[30] ?? 0) ^ 1)).toString("base64url");
    url.searchParams.set("state", Buffer.from(JSON.stringify(wrapped)).toString("base64url"));
    assert.equal((await ask(url.pathname + url.search, { cookie })).status, 401);
    assert.match(gestaltd.log(), /complete login: .*The sign-in's state was altered/);
  });

  it("takes the issuer's bearer tokens, and no others", async () => {
    const token = await issuer.accessToken();
    assert.equal((await ask(PRIVATE, { authorization: `Bearer ${token}` })).status, 200);
    const other = await issuer.sign({ iss: issuer.url, aud: "other", sub: "x", exp: Date.now() / 1000 + 60 });
    assert.equal((await ask(PRIVATE, { authorization: `Bearer ${other}` })).status, 401);
  });

  it("has no secret in its log", () => {
    assert.ok(!gestaltd.log().includes(CLIENT_SECRET));
  });
});
