// The ready-made store in an embedded worker: the key it gets there, what the bridge keeps back of what gestaltd sends, and
// `gestalt-edge rotate-keys`.
import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { status } from "@grpc/grpc-js";
import { type EmbeddedNode, startEmbeddedNode } from "../../src/bridge/embedded/node.ts";
import { ExternalCredentialProvider } from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { cli, copyExample, writeProject } from "../cli/cli.ts";
import { atEnd, type BridgeProcess, grpcError, startBridgeProcess } from "../support/bridge-process.ts";
import { credential } from "./credentials.ts";

const SOURCE = `
  import { serve } from "gestalt-edge";
  import { CredentialsObject, durableObjectCredentials } from "gestalt-edge/providers/external-credentials-durable-object";
  export { CredentialsObject };
  export default serve({ credentials: durableObjectCredentials() });
`;
const BINDINGS = `
[[durable_objects.bindings]]
name = "CREDENTIALS_OBJECT"
class_name = "CredentialsObject"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["CredentialsObject"]
`;

const { upsertCredential, getCredential } = ExternalCredentialProvider.method;
const lookup = { subjectId: "user:ada", connectionId: "github:default" };

/** As gestaltd sends it to an entry with config, should it ever add there what it means to add. */
const CONFIG = {
  worker: { project: ".", state: "data" },
  encryptionKey: "s3cr3t-of-gestaltd",
  resolvedConnections: [],
};

/** As it sends it to one without: its own description of the provider, with what it adds. */
const DESCRIPTION = {
  ...{ command: "/bridge.mjs", manifestPath: "/manifest.yaml", env: { TOKEN: "s3cr3t" }, name: "edge" },
  ...{ encryptionKey: "s3cr3t", resolvedConnections: [{ auth: { clientSecret: "s3cr3t" } }] },
};

it("an embedded credential store has a key of its own, which can be replaced", { timeout: 120_000 }, async (t) => {
  const { folder, remove } = await copyExample("external-credentials");
  atEnd(t, remove);
  await writeProject(folder, SOURCE);
  const wrangler = join(folder, "wrangler.toml");
  writeFileSync(wrangler, readFileSync(wrangler, "utf8") + BINDINGS);
  const state = join(folder, "data");
  const env = { GESTALT_EDGE_ROOT: folder, GESTALT_EDGE_WORKER: JSON.stringify(CONFIG.worker) };
  let node: EmbeddedNode | undefined;
  atEnd(t, () => node?.close());
  const start = async () => {
    // Bridge and command find it as they find `gestalt-edge dev`.
    node = await startEmbeddedNode({ project: folder, state });
    return startBridgeProcess(t, "external-credentials", { env });
  };
  const end = async (bridge: BridgeProcess) => {
    assert.doesNotMatch(bridge.stderr(), /s3cr3t|at-1|rt-1/);
    await bridge.stop();
    await node?.close();
  };
  const stored = async (bridge: BridgeProcess) => (await bridge.call(getCredential, { lookup })).accessToken;
  const rotate = (...args: string[]) =>
    cli(["rotate-keys", "credentials", "--project", folder, "--state", state, ...args]);

  const first = await start();
  await first.configure(CONFIG);
  assert.match(first.stderr(), /config that the worker has no use for stays here.*encryptionKey/);
  await first.call(upsertCredential, { credential: credential({ refreshToken: "rt-1" }) });
  const file = join(state, "credentials-key");
  const old = readFileSync(file, "utf8");
  assert.deepEqual([statSync(file).mode & 0o777, Buffer.from(old, "base64url").length], [0o600, 32]);
  const unchanged = await rotate("--json");
  assert.equal(unchanged.code, 0, unchanged.stderr);
  const { keyId, ...counts } = JSON.parse(unchanged.stdout);
  assert.deepEqual(counts, { rotated: 0, forgotten: 0, missing: [] });
  await end(first);

  rmSync(file);
  const second = await start();
  await second.configure(DESCRIPTION);
  const missing = grpcError(
    status.FAILED_PRECONDITION,
    new RegExp(`the key ${keyId}, which this worker does not have`),
  );
  await assert.rejects(stored(second), missing);
  const lacking = await rotate();
  assert.equal(lacking.code, 1);
  assert.match(lacking.stderr, new RegExp(`The worker lacks the key ${keyId}, of 1 entries`));
  await end(second);

  writeFileSync(join(folder, ".dev.vars"), `GESTALT_EDGE_CREDENTIALS_KEY_OLD="${old}"\n`);
  const third = await start();
  await third.configure(CONFIG);
  assert.equal(await stored(third), "at-1");
  const done = await rotate();
  assert.match(done.stdout, /^Everything that can be opened .* the key [0-9a-f]{16}; 1 entries are so anew\.\n$/);
  await end(third);
  assert.doesNotMatch(readFileSync(join(state, "node.log"), "utf8"), /s3cr3t|at-1|rt-1/);
});

it("gestalt-edge rotate-keys takes nothing for a key's id that is none", async () => {
  const { code, stderr } = await cli(["rotate-keys", "credentials", "--forget", "0123456789abcdef,x"]);
  assert.equal(code, 2);
  assert.match(stderr, /"x" is no key's id/);
});
