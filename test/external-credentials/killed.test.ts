// What is left when workerd is killed around a renewal, and what lies in its files and stands in its processes' arguments. Real
// processes, real signals, the bytes on disk.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { status } from "@grpc/grpc-js";
import { ExternalCredentialProvider } from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import {
  atEnd,
  type BridgeProcess,
  grpcError,
  isAlive,
  nodeOf,
  sharedApp,
  startBridgeProcess,
  until,
  workerdsOf,
} from "../support/bridge-process.ts";
import { credential, oauth, resolving, resolvingPlatform } from "./credentials.ts";
import { startTokenEndpoint, type TokenEndpoint } from "./token-endpoint.ts";

const project = join(import.meta.dirname, "app");
const { state } = sharedApp(project);

const { upsertCredential, getCredential, listCredentials, resolveCredential, exchangeCredential } =
  ExternalCredentialProvider.method;
const PAST = { seconds: 1_000_000_000n, nanos: 0 };
/** Times that workerd dies just after the endpoint has answered; where in the renewal it then is, is chance. */
const DEATHS = 4;

describe("a renewal around which workerd is killed", { timeout: 120_000 }, () => {
  async function started(t: TestContext): Promise<{ bridge: BridgeProcess; endpoint: TokenEndpoint }> {
    const endpoint = await startTokenEndpoint();
    atEnd(t, () => endpoint.stop());
    const bridge = await startBridgeProcess(t, "external-credentials");
    await bridge.configure({ worker: { project, state, provider: "credentials" } });
    return { bridge, endpoint };
  }

  async function kill(): Promise<void> {
    const [workerd = 0] = workerdsOf(nodeOf(state)?.pid ?? 0);
    process.kill(workerd, "SIGKILL");
    await until(() => !isAlive(workerd), "workerd is dead");
  }

  const expired = (instance: string) => credential({ instance, refreshToken: "rt-1", expiresAt: PAST });
  const asking = (url: string, instance: string) => resolving(oauth(url), { instance });
  const tokensOf = async (bridge: BridgeProcess, instance: string) => {
    const lookup = { subjectId: "user:ada", connectionId: "github:default", instance };
    const { accessToken, refreshToken } = await bridge.call(getCredential, { lookup });
    return [accessToken, refreshToken];
  };

  it("is kept once it was answered", async (t) => {
    const { bridge, endpoint } = await started(t);
    await bridge.call(upsertCredential, { credential: expired("answered") });
    endpoint.give({ access_token: "at-2", refresh_token: "rt-2", expires_in: 3600 });
    assert.equal((await bridge.call(resolveCredential, asking(endpoint.url, "answered"))).token, "at-2");
    await kill();
    assert.deepEqual(await tokensOf(bridge, "answered"), ["at-2", "rt-2"]);
    assert.equal(endpoint.asked.length, 1);
  });

  it("is as if it had not been, when the endpoint has not answered yet", async (t) => {
    const { bridge, endpoint } = await started(t);
    await bridge.call(upsertCredential, { credential: expired("unanswered") });
    const held = endpoint.hold(() => ({ body: { access_token: "lost", refresh_token: "lost", token_type: "b" } }));
    const call = bridge.call(resolveCredential, asking(endpoint.url, "unanswered"));
    await held.arrived;
    await Promise.all([
      kill(),
      assert.rejects(call, grpcError(status.UNAVAILABLE, /connection to the worker broke|reach the worker/)),
    ]);
    held.release();
    assert.deepEqual(await tokensOf(bridge, "unanswered"), ["at-1", "rt-1"]);
    // What an endpoint says that has replaced the refresh token already.
    endpoint.answer(() => ({ status: 400, body: { error: "invalid_grant" } }));
    const again = bridge.call(resolveCredential, asking(endpoint.url, "unanswered"));
    await assert.rejects(again, grpcError(status.UNAUTHENTICATED, /invalid_grant\. Connect again/));
    assert.deepEqual(await tokensOf(bridge, "unanswered"), ["at-1", "rt-1"]);
  });

  it("is there whole or not at all, whenever that happens, and is counted by nobody as a failure", async (t) => {
    const { bridge, endpoint } = await started(t);
    for (let death = 0; death < DEATHS; death++) {
      const instance = `death-${death}`;
      await bridge.call(upsertCredential, { credential: expired(instance) });
      const answered = Promise.withResolvers<void>();
      endpoint.answer(() => {
        setImmediate(answered.resolve);
        return { body: { access_token: "at-2", refresh_token: "rt-2", token_type: "b", expires_in: 3600 } };
      });
      const call = bridge.call(resolveCredential, asking(endpoint.url, instance)).catch(() => undefined);
      await answered.promise;
      await kill();
      const told = await call;
      const kept = await tokensOf(bridge, instance);
      const expected = kept[0] === "at-2" ? ["at-2", "rt-2"] : ["at-1", "rt-1"];
      assert.deepEqual(kept, expected);
      if (told !== undefined) assert.deepEqual(kept, ["at-2", "rt-2"], "what a caller was told is there");
      const { token, credential: record } = await bridge.call(resolveCredential, asking(endpoint.url, instance));
      assert.deepEqual([token, record?.refreshErrorCount], ["at-2", 0]);
    }
  });

  it("leaves nothing secret in files and arguments", async (t) => {
    const { bridge, endpoint } = await started(t);
    const secret = { accessToken: "at-s3cr3t", refreshToken: "rt-s3cr3t", scopes: "scope-s3cr3t" };
    const metadataJson = '{"host":"metadata-s3cr3t"}';
    const whole = credential({ ...secret, metadataJson, expiresAt: PAST, instance: "disk" });
    await bridge.call(upsertCredential, { credential: whole });
    endpoint.give({ access_token: "at2-s3cr3t", refresh_token: "rt2-s3cr3t", expires_in: 1, scope: "scope2-s3cr3t" });
    await bridge.call(resolveCredential, asking(endpoint.url, "disk"));
    const client = oauth(endpoint.url, { grantType: "refresh_token", refreshToken: "config-rt-s3cr3t" });
    await bridge.call(resolveCredential, resolvingPlatform(client));
    // An endpoint that repeats what it was sent, where its error code should be.
    endpoint.answer(({ form }) => ({ status: 400, body: { error: form.refresh_token, error_description: "s3cr3t" } }));
    await bridge.call(upsertCredential, { credential: { ...whole, instance: "echo" } });
    const echoing = bridge.call(resolveCredential, asking(endpoint.url, "echo"));
    await assert.rejects(echoing, grpcError(status.FAILED_PRECONDITION, /answered 400\. Check/));
    const entered = { auth: { type: "manual", tokenUrl: endpoint.url }, credentialJson: '{"key":"entered-s3cr3t"}' };
    await assert.rejects(bridge.call(exchangeCredential, entered), grpcError(status.INVALID_ARGUMENT, /answered 400/));
    assert.equal(
      (await bridge.call(listCredentials, { subjectId: "user:ada", instance: "disk" })).credentials.length,
      1,
    );

    const files = readdirSync(state, { recursive: true, encoding: "utf8" }).map((name) => join(state, name));
    const bytes = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file).toString("latin1"));
    assert.ok(
      bytes.some((text) => text.includes("user:ada") && text.includes("github:default")),
      "the right files",
    );
    assert.equal(bytes.filter((text) => /s3cr3t/.test(text)).length, 0);
    const key = readFileSync(join(state, "credentials-key"), "utf8");
    assert.deepEqual(
      bytes.filter((text) => text.includes(key)),
      [key],
      "the key lies in its own file alone",
    );
    const { pid = 0 } = nodeOf(state) ?? {};
    for (const one of [pid, ...workerdsOf(pid), bridge.child.pid]) {
      const commandLine = readFileSync(`/proc/${one}/cmdline`, "utf8");
      assert.ok(commandLine.length > 0 && !commandLine.includes(key) && !commandLine.includes("s3cr3t"));
    }
    assert.doesNotMatch(bridge.stderr(), /s3cr3t/);
  });
});
