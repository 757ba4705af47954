// Egress of embedded workers, through the front door: what a session's policy names can be reached, nothing else can.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { PluginRuntimeEgressMode } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { until } from "../support/bridge-process.ts";
import { hosts } from "./hosts.ts";
import { APP, type Policy, runtime, sharedNode, startReacher, startRuntime } from "./reach.ts";

/** Buffers of sockets and streams on the way; an answer that were read ahead would be far more. */
const MOST_BYTES_IN_FLIGHT = 16 * 1024 * 1024;

/** Few policies in all: each new one may make the node start its worker anew. */
const SEVERAL = ["localhost", "127.0.0.1", "::1", "*.invalid"];

const here = hosts();
const shared = sharedNode();

async function reacher(t: TestContext, policy: Policy) {
  const bridge = await startRuntime(t, { reacher: { project: APP, state: shared.state } });
  return { bridge, session: await startReacher(t, bridge, policy) };
}

describe("egress of an embedded worker", () => {
  it("is promised", async (t) => {
    const bridge = await startRuntime(t, { reacher: { project: APP, state: shared.state } });
    const { egressMode } = await bridge.call(runtime.getSupport, {});
    assert.equal(egressMode, PluginRuntimeEgressMode.HOSTNAME);
  });

  it("is free without a policy, and stays so beside sessions that have one", async (t) => {
    const { bridge, session } = await reacher(t, {});
    const target = `http://localhost:${here.http}/`;
    assert.equal(await session.reach("fetch", target), `200 hello from localhost:${here.http}`);
    const guarded = await startReacher(t, bridge, { allowedHosts: ["127.0.0.1"] });
    assert.match(await guarded.reach("fetch", target), /^denied/);
    assert.equal(await session.reach("fetch", target), `200 hello from localhost:${here.http}`);
  });

  it("reaches what the policy names, in every way", async (t) => {
    const { session } = await reacher(t, { allowedHosts: SEVERAL, defaultAction: "allow" });
    const { http, tcp } = here;
    assert.equal(await session.reach("fetch", `http://localhost:${http}/`), `200 hello from localhost:${http}`);
    assert.equal(await session.reach("fetch", `http://LOCALHOST.:${http}/`), `200 hello from localhost:${http}`);
    assert.equal(await session.reach("fetch", `http://[::1]:${http}/`), `200 hello from [::1]:${http}`);
    assert.equal(await session.reach("post", `http://localhost:${http}/`), "200 200000");
    assert.equal(await session.reach("webSocket", `ws://localhost:${http}/`), `hello from localhost:${http}`);
    assert.equal(await session.reach("upgrading fetch", `http://localhost:${http}/`), "101 true");
    assert.equal(await session.reach("connect", `localhost:${tcp}`), "echo hello");
    assert.equal(await session.reach("connect", `[::1]:${tcp}`), "echo hello");
    const there = encodeURIComponent(`http://127.0.0.1:${http}/x`);
    assert.equal(
      await session.reach("fetch", `http://localhost:${http}/redirect?to=${there}`),
      `200 hello from 127.0.0.1:${http}`,
    );
    assert.equal(
      await session.reach("fetch", `http://localhost:${http}/`, "object"),
      `200 hello from localhost:${http}`,
    );
  });

  it("reaches nothing else, in no way", async (t) => {
    const { bridge, session } = await reacher(t, { allowedHosts: [`localhost:${here.http}`] });
    const { http, tcp } = here;
    here.arrived.length = 0;
    const denied = `denied 127.0.0.1:${http} by allowed_hosts: egress to 127.0.0.1:${http} is denied: no entry of allowed_hosts matches (localhost:${http})`;
    const target = `127.0.0.1:${http}/`;
    assert.equal(await session.reach("fetch", `http://${target}`), denied);
    assert.equal(await session.reach("post", `http://${target}`), denied);
    assert.equal(await session.reach("upgrading fetch", `http://${target}`), denied);
    assert.match(await session.reach("webSocket", `ws://${target}`), /^failed: .*403/);
    // It may be sent, as far as its worker knows; the host hears nothing of it.
    await session.reach("beacon", `http://${target}`);
    for (const host of [`[::1]:${http}`, `0x7f.1:${http}`, `localhost:${here.https}`, "a.example"]) {
      assert.match(await session.reach("fetch", `http://${host}/`), /^denied/, host);
    }
    for (const host of [
      `localhost:${tcp}`,
      `127.0.0.1:${http}`,
      `0x7f.1:${tcp}`,
      `[::1]:${tcp}`,
      `2130706433:${http}`,
    ]) {
      assert.match(await session.reach("connect", host), /^denied \S+ by allowed_hosts: egress to/, host);
    }
    // Not its own node either, nor by a detour over an object or a service of the project.
    assert.match(await session.reach("fetch", `${shared.node.worker.origin}/healthz`), /^denied/);
    assert.match(await session.reach("fetch", `http://${target}`, "object"), /^403 egress to|^denied/);
    assert.match(await session.reach("fetch", `http://${target}`, "alarm"), /^403 egress to|^denied/);
    assert.match(await session.reach("connect", `localhost:${tcp}`, "object"), /^denied/);
    for (const way of ["secure connect", "start TLS"]) {
      assert.match(await session.reach(way, `localhost:${here.tls}`), /^failed: /, way);
    }
    assert.match(await session.reach("fetch", `http://${target}`, "self"), /^403 egress to/);
    const redirect = `http://localhost:${http}/redirect?to=${encodeURIComponent(`http://${target}`)}`;
    assert.equal(await session.reach("fetch", redirect), denied);
    assert.deepEqual(
      here.arrived.filter((arrival) => !arrival.startsWith(`localhost:${http}/redirect`)),
      [],
    );
    await until(() => bridge.stderr().includes(`"egress to 127.0.0.1:${http} is denied`), "the bridge logs the denial");
    assert.match(bridge.stderr(), /"plugin":"reacher"/);
  });

  it("does not reach its own node, whatever the policy lists, where the same code runs without a guard", async (t) => {
    const { session } = await reacher(t, { allowedHosts: SEVERAL });
    const { port } = new URL(shared.node.worker.origin);
    for (const host of ["127.0.0.1", "localhost", "0x7f.1", "LOCALHOST."]) {
      assert.match(
        await session.reach("fetch", `http://${host}:${port}/healthz`),
        /^denied \S+ by own node: egress to/,
        host,
      );
    }
    assert.match(await session.reach("fetch", `http://127.0.0.1:${port}/healthz`, "object"), /^(denied|403)/);
    assert.match(await session.reach("webSocket", `ws://127.0.0.1:${port}/`), /^failed: .*403/);
    assert.match(await session.reach("connect", `localhost:${port}`), /^failed: /);
  });

  it("cannot be talked round by headers, of the worker or of a host", async (t) => {
    const { session } = await reacher(t, { allowedHosts: [`localhost:${here.http}`] });
    const { http } = here;
    const target = `http://localhost:${http}/`;
    assert.equal(await session.reach("other host header", target), `200 hello from localhost:${http}`);
    assert.equal(await session.reach("fetch", `${target}forged`), "403 forged");
  });

  it("passes bodies as they are taken, and hears when nobody takes them any more", async (t) => {
    const { session } = await reacher(t, { allowedHosts: [`localhost:${here.http}`] });
    assert.equal(await session.reach("first chunk", `http://localhost:${here.http}/endless`), "200");
    await until(() => here.taken !== undefined, "the host sees its reader go");
    assert.ok((here.taken ?? 0) < MOST_BYTES_IN_FLIGHT, `${here.taken} bytes`);
  });

  it("denies everything with the default action deny, and says why", async (t) => {
    const { session } = await reacher(t, { defaultAction: "deny" });
    const outcome = await session.reach("fetch", `http://localhost:${here.http}/`);
    assert.match(outcome, /by default_action deny: egress to localhost:\d+ is denied: by default_action deny$/);
  });

  it("keeps sessions of one project apart", async (t) => {
    const { bridge, session: one } = await reacher(t, { allowedHosts: [`localhost:${here.http}`] });
    const two = await startReacher(t, bridge, { allowedHosts: ["127.0.0.1"] });
    const [local, address] = [`http://localhost:${here.http}/`, `http://127.0.0.1:${here.http}/`];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two)).flatMap((session) => [
        session.reach("fetch", local),
        session.reach("fetch", address),
      ]),
    );
    const words = outcomes.map((outcome) => outcome.split(" ")[0]);
    assert.deepEqual(words, Array.from({ length: 10 }, () => ["denied", "200", "200", "denied"]).flat());
    // What belongs to both does what both allow.
    assert.match(await one.reach("fetch", local, "object"), /^403/);
    await bridge.call(runtime.stopSession, { sessionId: two.id });
    assert.match(await one.reach("fetch", local, "object"), /^200/);
  });

  it("cuts what an object has open when a policy comes that does not allow it", async (t) => {
    const { bridge, session } = await reacher(t, { allowedHosts: [`localhost:${here.tcp}`] });
    here.arrived.length = 0;
    const held = session.reach("hold", `localhost:${here.tcp}`, "object");
    await until(() => here.arrived.includes("tcp"), "the object has its connection");
    await startReacher(t, bridge, { allowedHosts: ["127.0.0.1"] });
    assert.match(await held, /^(ended|failed)/);
    assert.match(await session.reach("connect", `localhost:${here.tcp}`, "object"), /^denied/);
  });

  it("cuts what a session has left open when it ends", async (t) => {
    const { bridge, session } = await reacher(t, { allowedHosts: [`localhost:${here.tcp}`] });
    await until(() => here.open.size === 0, "the connections of others have ended");
    assert.equal(await session.reach("leave open", `localhost:${here.tcp}`), "left");
    await until(() => here.open.size === 1, "it has its connection");
    await bridge.call(runtime.stopSession, { sessionId: session.id });
    await until(() => here.open.size === 0, "the connection is cut");
  });

  it("fails as ever when an allowed host is not there", async (t) => {
    const { session } = await reacher(t, { allowedHosts: SEVERAL });
    assert.match(await session.reach("fetch", "http://localhost:1/"), /^failed: Network connection lost/);
    assert.match(await session.reach("fetch", "http://nowhere.invalid/"), /^failed: /);
    assert.match(await session.reach("connect", "localhost:1"), /^failed: /);
    // The certificate is nobody's the gate trusts.
    assert.match(await session.reach("fetch", `https://localhost:${here.https}/`), /^failed: /);
  });
});
