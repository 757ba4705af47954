// A real gestaltd whose policies are decided by the edge, and whose config takes its secrets from there.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Gestaltd, skipGestaltd, startGestaltd } from "../support/gestaltd/gestaltd.ts";

const repository = join(import.meta.dirname, "../..");

describe("a real gestaltd with edge secrets and edge authorization", { skip: skipGestaltd ?? false }, () => {
  let folder = "";
  let gestaltd: Gestaltd;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gd-"));
    writeProject(join(folder, "edge"));
    gestaltd = await startGestaltd(folder, config(folder, "GREETING"));
  });
  after(async () => {
    await gestaltd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const call = async (method: string, path: string, body?: object) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(gestaltd.url + path, {
      ...{ method, headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.text() };
  };
  const greet = () => call("POST", "/api/v1/hello/greet", {});
  const members = "/admin/api/v1/authorization/plugins/hello/members";
  let caller = "";

  it("refuses whom no policy allows", async () => {
    assert.equal((await greet()).status, 403, gestaltd.log());
    caller = /authorization_decision=provider_access_denied/.test(gestaltd.log())
      ? (/subject_id=(user:\S+)/.exec(gestaltd.log())?.[1] ?? "")
      : "";
    assert.notEqual(caller, "", gestaltd.log());
  });

  it("lets in whom an administrator gave a role, and shows the secret that its config refers to", async () => {
    const granted = await call("PUT", members, { subjectId: caller, role: "admin" });
    assert.equal(granted.status, 200, granted.body);
    assert.deepEqual(await greet(), { status: 200, body: '{"greeting":"ahoy"}' });
    assert.doesNotMatch(gestaltd.log(), /active model changed|reload failed/);
  });

  it("finds the role again after a restart, and takes it away", async () => {
    assert.equal(await gestaltd.stop(), 0, gestaltd.log());
    gestaltd = await startGestaltd(folder, config(folder, "GREETING"));
    assert.match((await call("GET", members)).body, new RegExp(caller));
    assert.equal((await call("DELETE", `${members}/${caller}`)).status, 200);
    assert.doesNotMatch((await call("GET", members)).body, new RegExp(caller));
    assert.equal(await gestaltd.stop(), 0, gestaltd.log());
    assert.doesNotMatch(gestaltd.log(), /ahoy/);
  });

  it("does not start with a secret that is not there, and says which", async () => {
    await assert.rejects(startGestaltd(folder, config(folder, "NOWHERE")), /no secret \\*"NOWHERE\\*"/);
  });
});

function writeProject(project: string): void {
  mkdirSync(project, { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(project, "node_modules"));
  writeFileSync(
    join(project, "worker.ts"),
    `import { definePlugin, operation, serve } from "gestalt-edge";
     import { durableObjectAuthorization } from "gestalt-edge/providers/authorization-durable-object";
     import { bindingSecrets } from "gestalt-edge/providers/secrets-bindings";
     export { AuthorizationObject } from "gestalt-edge/providers/authorization-durable-object";
     const greet = operation({ description: "Greets", handler: (_input, { config }) => ({ greeting: config.greeting }) });
     export default serve({
       vault: bindingSecrets(),
       policies: durableObjectAuthorization(),
       hello: definePlugin({ operations: { greet } }),
     });`,
  );
  writeFileSync(
    join(project, "wrangler.toml"),
    `name = "edge"
main = "worker.ts"
compatibility_date = "2026-07-01"
compatibility_flags = ["enable_request_signal", "nodejs_als"]
[[durable_objects.bindings]]
name = "AUTHORIZATION_OBJECT"
class_name = "AuthorizationObject"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["AuthorizationObject"]
`,
  );
  writeFileSync(join(project, ".dev.vars"), 'SECRET_GREETING="ahoy"\n');
  const plugin = join(project, "hello");
  mkdirSync(plugin);
  const operations =
    "operations:\n  - {id: greet, method: POST, description: Greets, allowedRoles: [admin], inputSchema: {type: object}}\n";
  writeFileSync(join(plugin, "catalog.yaml"), operations);
  writeFileSync(
    join(plugin, "manifest.yaml"),
    `kind: plugin
source: example.com/test/edge/hello
version: 0.0.1
spec: {}
artifacts: [{path: catalog.yaml}]
entrypoint: {artifactPath: catalog.yaml}
`,
  );
}

function config(folder: string, secret: string) {
  const worker = (provider: string) => ({ project: join(folder, "edge"), state: join(folder, "state"), provider });
  const source = (kind: string) => ({ path: join(repository, "dist", kind, "manifest.yaml") });
  return {
    authorization: { policies: { staff: { default: "deny", members: [{ subjectID: "user:ada", role: "viewer" }] } } },
    providers: {
      secrets: { edge: { source: source("secrets"), config: { worker: worker("vault") } } },
      authorization: { edge: { source: source("authorization"), config: { worker: worker("policies") } } },
    },
    runtime: {
      providers: {
        edge: {
          source: { path: join(repository, "dist/runtime/provider-release.yaml") },
          config: { workers: { hello: worker("hello") } },
        },
      },
    },
    plugins: {
      hello: {
        source: { path: join(folder, "edge/hello/manifest.yaml") },
        runtime: { provider: "edge", template: "hello" },
        authorizationPolicy: "staff",
        config: { greeting: { secret: { provider: "edge", name: secret } } },
      },
    },
  };
}
