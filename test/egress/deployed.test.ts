// Egress of a deployed worker that was built with `--guard-egress`, through the front door.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bundleWorker } from "../../src/bridge/embedded/bundle.ts";
import { readProject } from "../../src/bridge/embedded/project.ts";
import { egressGuard } from "../../src/bridge/embedded/ways-out.ts";
import { PluginRuntimeEgressMode } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { until } from "../support/bridge-process.ts";
import { guardedWorker } from "./guarded-worker.ts";
import { hosts } from "./hosts.ts";
import { APP, runtime, startReacher, startRuntime } from "./reach.ts";

const here = hosts();
const worker = guardedWorker();

describe("a deployed worker with an egress guard", () => {
  it("lets the runtime promise that hosts are kept to", async (t) => {
    const bridge = await startRuntime(t, { reacher: worker.config });
    const { egressMode } = await bridge.call(runtime.getSupport, {});
    assert.equal(egressMode, PluginRuntimeEgressMode.HOSTNAME);
  });

  it("reaches what the policy names and nothing else, each session by its own", async (t) => {
    const bridge = await startRuntime(t, { reacher: worker.config });
    const { http, tcp } = here;
    const one = await startReacher(t, bridge, { allowedHosts: ["localhost"] });
    const two = await startReacher(t, bridge, { allowedHosts: ["127.0.0.1"] });
    const free = await startReacher(t, bridge, {});
    const [local, address] = [`http://localhost:${http}/`, `http://127.0.0.1:${http}/`];
    const outcomes = await Promise.all(
      [one, two, free, one, two, free].flatMap((session) => [
        session.reach("fetch", local),
        session.reach("fetch", address),
      ]),
    );
    const once = ["200", "denied", "denied", "200", "200", "200"];
    assert.deepEqual(
      outcomes.map((outcome) => outcome.split(" ")[0]),
      [...once, ...once],
    );

    assert.equal(await one.reach("post", local), "200 200000");
    assert.equal(await one.reach("webSocket", `ws://localhost:${http}/`), `hello from localhost:${http}`);
    assert.equal(await one.reach("connect", `localhost:${tcp}`), "echo hello");
    assert.equal(await one.reach("beacon", `${local}beacon`), "true");
    await until(() => here.arrived.includes(`localhost:${http}/beacon`), "the beacon arrives");
    const there = (target: string) => `${local}redirect?to=${encodeURIComponent(target)}`;
    assert.equal(await one.reach("fetch", there("/x")), `200 hello from localhost:${http}`);

    // What cannot be connected to for want of a trusted certificate was let through all the same.
    assert.match(await one.reach("secure connect", `localhost:${here.tls}`), /^failed: /);
    here.arrived.length = 0;
    const denied = new RegExp(`^denied 127\\.0\\.0\\.1:${http} by allowed_hosts: egress to .* is denied`);
    assert.match(await one.reach("fetch", there(address)), denied);
    assert.match(await one.reach("webSocket", `ws://127.0.0.1:${http}/`), denied);
    assert.match(await one.reach("upgrading fetch", address), denied);
    assert.match(await one.reach("connect", `127.0.0.1:${http}`), denied);
    assert.match(await one.reach("beacon", address), denied);
    assert.match(await one.reach("connect", `0x7f.1:${http}`), denied);
    assert.match(await free.reach("fetch", local, "object"), /by no session/);
    assert.equal(await one.reach("beacon", there(address)), "true");
    await until(() => here.arrived.length > 1, "the beacon is redirected");
    // Whatever followed the redirect would be here before the answer to what was asked for later.
    assert.match(await one.reach("fetch", local), /^200/);
    assert.deepEqual(
      here.arrived.map((arrival) => arrival.split("?")[0]),
      [`localhost:${http}/redirect`, `localhost:${http}/redirect`, `localhost:${http}/`],
    );
  });

  it("is not built where a module of Node's would pass the guard", async () => {
    const project = await readProject(APP);
    const passing = { ...project, main: `${import.meta.dirname}/app/past-the-guard.worker.ts` };
    await assert.rejects(bundleWorker(passing, undefined, egressGuard(project)), /node:net reaches hosts past the/);
  });
});
