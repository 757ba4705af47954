// examples/gestaltd as an operator runs it: a real gestaltd of which every provider is on the edge. It signs in, is let in, connects,
// writes; then all but the workers' data is thrown away, and everything is there again.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { isAlive, nodeOf, until, workerdsOf } from "../support/bridge-process.ts";
import { bridgesOf } from "../support/gestaltd/bridges.ts";
import { type Gestaltd, skipGestaltd } from "../support/gestaltd/gestaltd.ts";
import { startTogether, type Together } from "../support/gestaltd/together.ts";

/** gestaltd starts each plugin's cache and database twice. */
const BRIDGES = {
  indexeddb: 4,
  "external-credentials": 1,
  secrets: 1,
  authentication: 1,
  authorization: 1,
  cache: 2,
  s3: 1,
  runtime: 1,
};
const SECTIONS = ["authentication", "authorization", "cache", "externalCredentials", "indexeddb", "s3", "secrets"];
const SIGNING_KEY = "what-ada-signs-with";
const TEXT = "a note that nothing but the edge keeps";

interface Listed {
  readonly notes: readonly { readonly text: string; readonly author: string }[];
  readonly cached: boolean;
}

describe("a gestaltd with nothing but edge providers", { skip: skipGestaltd ?? false }, () => {
  let together: Together;
  let gestaltd: Gestaltd;
  let token = "";

  before(async () => {
    together = await startTogether();
    gestaltd = await together.serve();
  });
  after(async () => {
    await gestaltd?.stop();
    await together?.remove();
  });

  const notes = (operation: string, input?: object) => together.ask(`/api/v1/notes/${operation}`, { token, input });
  async function call<T>(operation: string, input?: object): Promise<T> {
    const { status, body } = await notes(operation, input);
    assert.equal(status, 200, `${operation}: ${JSON.stringify(body)}\n${gestaltd.log()}`);
    return body as T;
  }
  const texts = async () => (await call<Listed>("list")).notes.map(({ text }) => text);

  it("boots from an empty folder, with bridges for all eight kinds on two embedded workers", async () => {
    const { providers } = parse(await readFile(join(together.folder(), "gestaltd.yaml"), "utf8"));
    assert.deepEqual(Object.keys(providers).sort(), SECTIONS);
    const kinds = Object.keys(BRIDGES);
    const counts = kinds.map((kind) => [kind, bridgesOf(gestaltd, kind).length]);
    assert.deepEqual(Object.fromEntries(counts), BRIDGES);
    assert.equal(
      gestaltd.children().length,
      Object.values(BRIDGES).reduce((sum, count) => sum + count),
      "and no other",
    );
    for (const project of ["providers", "notes"]) assert.equal(workerdsOf(nodePid(project)).length, 1, project);
  });

  it("signs somebody in with the issuer, who then has an API token", async () => {
    assert.equal((await notes("list")).status, 401);
    token = await together.signIn("ada");
  });

  it("lets in whom an admin gave a role, once connected", async () => {
    assert.equal((await notes("list")).status, 403);
    const granted = await together.grant("ada@example.com", "editor");
    assert.equal(granted.status, 200, JSON.stringify(granted.body));
    assert.equal(((await notes("list")).body as { code?: string }).code, "not_connected");
    const input = { integration: "notes", credential: SIGNING_KEY };
    assert.equal((await together.ask("/api/v1/auth/connect-manual", { token, input })).status, 200);
  });

  it("has the plugin write and read its database, its cache and its bucket", async () => {
    const written = await call<Listed["notes"][number]>("write", { text: TEXT });
    assert.match(written.author, /^user:/);
    assert.deepEqual(await call("list"), { notes: [written], cached: false });
    assert.deepEqual(await call("list"), { notes: [written], cached: true });
    assert.equal((await notes("published")).status, 404);
    assert.equal((await call<{ notes: number }>("publish", {})).notes, 1);
    assert.deepEqual(await call("published"), { notes: [written], mine: true });
  });

  it("goes on when an embedded node is killed", async () => {
    for (const project of ["providers", "notes"]) {
      const node = nodePid(project);
      const workerds = workerdsOf(node);
      process.kill(node, "SIGKILL");
      // Without its node workerd ends by itself; a call that it has at that moment ends UNAVAILABLE.
      for (const workerd of workerds) await until(() => !isAlive(workerd), `workerd ${workerd} ends`);
      await call("write", { text: project });
      assert.notEqual(nodePid(project), node);
    }
    assert.deepEqual(await texts(), [TEXT, "providers", "notes"]);
  });

  it("finds everything again in an empty folder, and needs the issuer for signing in alone", async () => {
    assert.equal(await gestaltd.stop(), 0, gestaltd.log());
    await together.ended();
    assert.deepEqual(await together.placesWith(TEXT), ["providers/.gestalt-edge"]);
    assert.deepEqual(await together.placesWith(SIGNING_KEY), []);
    await together.stopIssuer();
    await together.moveToEmptyFolder();
    gestaltd = await together.serve();
    assert.deepEqual(await texts(), [TEXT, "providers", "notes"]);
    const { mine } = await call<{ mine: boolean }>("published");
    assert.ok(mine, "the credential is the same");
    await call("write", { text: "again" });
    assert.deepEqual(await texts(), [TEXT, "providers", "notes", "again"]);
  });

  it("leaves nothing behind when it is killed, and no secret in its log", async () => {
    assert.ok(
      together.processes().some((line) => line.includes("workerd")),
      together.processes().join("\n"),
    );
    await gestaltd.kill();
    await together.ended();
    assert.ok(!gestaltd.log().includes(SIGNING_KEY) && !gestaltd.log().includes(token));
  });

  it("does not start without an issuer, and says which variable is missing", async () => {
    await assert.rejects(together.serve({ OIDC_ISSUER: undefined }), /OIDC_ISSUER\\*" not set/);
  });

  function nodePid(project: string): number {
    return nodeOf(join(together.folder(), project, ".gestalt-edge/state"))?.pid ?? 0;
  }
});
