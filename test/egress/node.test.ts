// The guard over a node's life: TLS and gestaltd's proxy, crashes of the worker and of the bridge, the next start; and workers
// that enforce nothing.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { PluginRuntimeEgressMode } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { DEPLOYED_NAME, type DeployedWorker, startDeployedWorker } from "../support/bridge-deployed.ts";
import {
  grpcError,
  nodeEnded,
  nodeOf,
  startBridgeProcess,
  stateFolder,
  temporaryFolder,
  until,
  workerdsOf,
} from "../support/bridge-process.ts";
import { guardedWorker } from "./guarded-worker.ts";
import { hosts } from "./hosts.ts";
import { egressProxy } from "./proxy.ts";
import { APP, readySession, runtime, startReacher, startRuntime } from "./reach.ts";

const TOKEN = "eyJhbGciOiJIUzI1NiJ9.a-very-secret-token.x";
const here = hosts();
const proxy = egressProxy(TOKEN, "[::1]");

describe("the guard of a node", () => {
  it("speaks TLS, goes through gestaltd's proxy, survives crashes and is there at the next start", async (t) => {
    const state = stateFolder(t);
    const certificates = join(temporaryFolder(t), "ca.pem");
    writeFileSync(certificates, here.authority);
    const start = async () => {
      const bridge = await startBridgeProcess(t, "runtime", { env: { NODE_EXTRA_CA_CERTS: certificates } });
      await bridge.configure({ workers: { reacher: { project: APP, state } } });
      return bridge;
    };
    const log = () => readFileSync(join(state, "node.log"), "utf8");
    const first = await start();
    const plain = await startReacher(t, first, { allowedHosts: ["localhost"] });
    const { http, https, tcp } = here;
    const secure = `https://localhost:${https}/`;
    assert.equal(await plain.reach("fetch", secure), `200 hello from localhost:${https}`);
    assert.equal(await plain.reach("webSocket", `wss://localhost:${https}/`), `hello from localhost:${https}`);
    assert.equal(await plain.reach("secure connect", `localhost:${here.tls}`), "echo hello");
    assert.equal(await plain.reach("start TLS", `localhost:${here.startTls}`), "go (STARTTLS), echo hello");
    assert.equal(await plain.reach("secure connect", `localhost:${here.tls}`, "object"), "echo hello");
    assert.match(await plain.reach("secure connect", `localhost:${tcp}`), /^failed: /);
    assert.deepEqual(proxy.asked, []);

    const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
    const proxied = await startReacher(t, first, { allowedHosts: ["localhost", "::1", "*.invalid"], env });
    assert.equal(await proxied.reach("fetch", secure), `200 hello from localhost:${https}`);
    assert.equal(await proxied.reach("fetch", `http://localhost:${http}/`), `200 hello from localhost:${http}`);
    assert.equal(await proxied.reach("webSocket", `ws://localhost:${http}/`), `hello from localhost:${http}`);
    assert.equal(await proxied.reach("connect", `localhost:${tcp}`), "echo hello");
    assert.equal(await proxied.reach("secure connect", `localhost:${here.tls}`), "echo hello");
    assert.equal(await proxied.reach("start TLS", `localhost:${here.startTls}`), "go (STARTTLS), echo hello");
    assert.match(await proxied.reach("fetch", `http://127.0.0.1:${http}/`), /^denied/);
    assert.deepEqual(
      [...new Set(proxy.asked)],
      [https, http, tcp, here.tls, here.startTls].map((port) => `localhost:${port}`),
    );

    const refused = `denied [::1]:${http} by gestaltd's egress proxy: egress to [::1]:${http} is denied: gestaltd's egress proxy does not let it through`;
    for (const way of ["fetch", "post", "upgrading fetch"]) {
      assert.equal(await proxied.reach(way, `http://[::1]:${http}/`), refused, way);
    }
    assert.match(await proxied.reach("connect", `[::1]:${http}`), /^failed: /);
    assert.match(first.stderr(), /does not let it through/);

    // Nor the node itself, where the proxy would find it behind a name.
    assert.match(await proxied.reach("fetch", `http://any.invalid:${http}/`), /^200/);
    const own = readFileSync(join(state, "port"), "utf8").trim();
    assert.match(await proxied.reach("fetch", `http://any.invalid:${own}/healthz`), /^denied \S+ by own node: /);
    assert.match(await proxied.reach("connect", `any.invalid:${own}`), /^failed: /);

    const [workerd] = workerdsOf(nodeOf(state)?.pid ?? 0);
    assert.ok(workerd);
    process.kill(workerd, "SIGKILL");
    await until(() => log().split("worker ready").length > 3, "the worker is back");
    assert.equal(await plain.reach("fetch", secure), `200 hello from localhost:${https}`);
    assert.match(await plain.reach("fetch", `http://127.0.0.1:${http}/`), /^denied/);

    assert.equal(log().split("restarting the worker with 2 guarded services").length, 2);
    // A bridge that starts anew gets its guards back, under the sessions it had.
    const [working] = readFileSync(`/proc/${first.child.pid}/task/${first.child.pid}/children`, "utf8")
      .trim()
      .split(" ");
    process.kill(Number(working), "SIGKILL");
    const returns = async () => (await plain.reach("fetch", secure)) === `200 hello from localhost:${https}`;
    await until(() => returns().catch(() => false), "the bridge is back");
    assert.match(await plain.reach("fetch", `http://127.0.0.1:${http}/`), /^denied/);
    assert.equal(await proxied.reach("fetch", secure), `200 hello from localhost:${https}`);
    assert.match(await proxied.reach("fetch", `http://127.0.0.1:${http}/`), /^denied/);

    await first.stop();
    await nodeEnded(state);
    const second = await start();
    const again = await startReacher(t, second, { allowedHosts: ["127.0.0.1"] });
    assert.equal(await again.reach("fetch", `http://127.0.0.1:${http}/`), `200 hello from 127.0.0.1:${http}`);
    assert.match(await again.reach("fetch", secure), /^denied/);
    assert.equal(log().split("restarting the worker with").length, 2, "it was made for policies at its start");
    for (const text of [first.stderr(), second.stderr(), log()]) assert.doesNotMatch(text, /very-secret/);
  });

  it("does not take a proxy that is none, or a policy that no token can carry", async (t) => {
    const bridge = await startRuntime(t, { reacher: { project: APP, state: stateFolder(t) } });
    const sessionId = await readySession(bridge, "reacher");
    const env = { HTTPS_PROXY: `${TOKEN}@nowhere` };
    const start = bridge.call(runtime.startPlugin, { sessionId, pluginName: "reacher", env });
    await assert.rejects(start, grpcError(status.INVALID_ARGUMENT, /^the variable HTTPS_PROXY of StartPlugin is not/));
    const allowedHosts = Array.from({ length: 2_000 }, (_, index) => `host-${index}.example.com`);
    const large = bridge.call(runtime.startPlugin, { sessionId, pluginName: "reacher", allowedHosts });
    await assert.rejects(large, grpcError(status.INVALID_ARGUMENT, /^allowedHosts takes \d+ bytes/));
  });
});

describe("a deployed worker that enforces nothing", () => {
  const guarded = guardedWorker();
  let deployed: DeployedWorker;
  before(async () => {
    deployed = await startDeployedWorker();
  });
  after(() => deployed.stop());

  const remote = () => ({ url: deployed.url, key: deployed.pem, name: DEPLOYED_NAME, provider: "search" });

  it("takes no session with a policy", async (t) => {
    const bridge = await startRuntime(t, { search: remote() });
    const sessionId = await readySession(bridge, "search");
    for (const policy of [{ allowedHosts: ["example.com"] }, { defaultAction: "deny" }]) {
      const start = bridge.call(runtime.startPlugin, { sessionId, pluginName: "search", ...policy });
      await assert.rejects(
        start,
        grpcError(status.FAILED_PRECONDITION, /does not enforce that; run it on an embedded/),
      );
    }
    await bridge.call(runtime.startPlugin, { sessionId, pluginName: "search", defaultAction: "allow" });
  });

  it("makes the runtime promise nothing", async (t) => {
    const project = { project: APP, state: stateFolder(t) };
    const gone = { url: "http://127.0.0.1:1", key: deployed.pem, name: DEPLOYED_NAME, provider: "search" };
    // It takes all of them, whichever comes first.
    const cases = [
      { reacher: project, search: remote() },
      { reacher: guarded.config, search: remote() },
      { search: remote(), reacher: guarded.config },
      { reacher: guarded.config, gone },
      { gone },
    ];
    for (const workers of cases) {
      const bridge = await startRuntime(t, workers);
      const { egressMode } = await bridge.call(runtime.getSupport, {});
      assert.equal(egressMode, PluginRuntimeEgressMode.NONE);
    }
  });
});
