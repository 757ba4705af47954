// Bridges whose traces nobody wants, or nobody takes.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { suite, test } from "node:test";
import { atEnd, until } from "../support/bridge-process.ts";
import { collector, newTrace, sharedWorker, startPlugin, telemetry } from "./rig.ts";

suite("without traces", { timeout: 60_000 }, () => {
  const { worker } = sharedWorker();

  for (const [why, env] of [
    ["the environment asks for none", () => ({})],
    ["the SDK is disabled", (address: string) => ({ ...telemetry(address), OTEL_SDK_DISABLED: "true" })],
    ["the exporter is none", (address: string) => ({ ...telemetry(address), OTEL_TRACES_EXPORTER: "none" })],
  ] as const) {
    test(`${why}: headers cross untouched both ways, and nobody hears of it`, async (t) => {
      const { address, connections } = await collector(t);
      const configuring = { ...newTrace().headers, baggage: "from=start" };
      const { run, bridge, cacheCalls } = await startPlugin(t, worker(), env(address), { trace: configuring });
      const sent = { ...newTrace().headers, tracestate: "vendor=1", baggage: "tenant=acme" };
      assert.deepEqual(await run("headers", sent), sent);
      assert.deepEqual(await run("configured"), configuring);
      await run("cache", sent);
      const names = Object.keys(sent);
      assert.deepEqual(Object.fromEntries(names.map((name) => [name, cacheCalls[0]?.get(name)])), sent);
      await bridge.stop();
      assert.equal(connections(), 0);
      assert.equal(bridge.stderr().includes("OpenTelemetry"), false);
    });
  }

  test("a collector that is away costs one warning and no call, and keeps no bridge from ending", async (t) => {
    const { address, close } = await collector(t);
    await close();
    const short = { OTEL_EXPORTER_OTLP_TIMEOUT: "200" };
    const { run, bridge } = await startPlugin(t, worker(), { ...telemetry(address), ...short });
    const warnings = () =>
      bridge
        .stderr()
        .split("\n")
        .filter((line) => line.includes("traces cannot be exported"));
    await run("headers", newTrace().headers);
    await until(() => warnings().length > 0, "the operator is told");
    for (let i = 0; i < 20; i += 1) assert.ok((await run("headers", newTrace().headers)).traceparent);
    await bridge.stop();
    assert.equal(warnings().length, 1, bridge.stderr());
    assert.equal(JSON.parse(warnings()[0] ?? "").endpoint, address);
  });

  test("a collector that hangs does not hold up the bridge's end", async (t) => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(t, () => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const { run, bridge } = await startPlugin(t, worker(), telemetry(`127.0.0.1:${port}`, "http/protobuf"));
    await run("headers", newTrace().headers);
    await bridge.stop();
    assert.match(bridge.stderr(), /the last traces could not be exported in time/);
  });

  test("a collector's refusal is told without the credential it repeats", async (t) => {
    const server = createServer(({ headers }, response) => {
      response.writeHead(401, `not with ${headers.authorization}`).end(headers.authorization);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(t, () => server.close());
    const { port } = server.address() as AddressInfo;
    const { run, bridge } = await startPlugin(t, worker(), telemetry(`127.0.0.1:${port}`, "http/protobuf"));
    await run("headers", newTrace().headers);
    await until(() => bridge.stderr().includes("not with [redacted] (401)"), "the operator is told");
    assert.equal(bridge.stderr().includes("collector-credential"), false);
  });
});
