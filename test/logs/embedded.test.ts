// What an embedded worker prints, read back where gestaltd's operator reads it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { type EmbeddedNode, startEmbeddedNode } from "../../src/bridge/embedded/node.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { PluginRuntimeLogStream as Stream } from "../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { startBridgeProcess, until, workerdsOf } from "../support/bridge-process.ts";
import { APP, assertNumbered, outliveCrash, startRuntime } from "./runtime.ts";

const runtime = PluginRuntimeProvider.method;
const NAMES = new Map<Stream, string>([
  [Stream.STDOUT, "STDOUT"],
  [Stream.STDERR, "STDERR"],
]);

/** One node for all tests, which saves each the start of one. */
const state = mkdtempSync(join(tmpdir(), "gs-"));
const WORKERS: JsonObject = { chatty: { project: APP, state, provider: "chatty" } };
let node: EmbeddedNode;
before(async () => {
  node = await startEmbeddedNode({ project: APP, state });
});
after(async () => {
  await node.close();
  rmSync(state, { recursive: true, force: true });
});

suite("the log of an embedded worker", { timeout: 110_000 }, () => {
  test("request.log and console reach the session's log, readable, in order, each once", async (t) => {
    const { start } = await startRuntime(t, WORKERS);
    const session = await start({ config: { mark: "one" } });
    await session.invoke("all");
    await session.invoke("later", { word: "after the answer" });
    await until(() => session.printed().at(-1) === "after the answer", "the last line arrives");
    const entries = session.entries();
    assert.match(entries[0]?.message ?? "", /^the worker at .*test\/logs\/app is ready$/);
    assert.deepEqual(
      entries
        .slice(1)
        .map(({ stream, message }) => [NAMES.get(stream), message.replace(/"stack":"(\\"|[^"])*"/, '"stack":"…"')]),
      [
        ["STDOUT", 'info configured {"config":{"mark":"one"}}'],
        ["STDOUT", "debug a"],
        ["STDOUT", 'info b {"bytes":12}'],
        ["STDOUT", "c formatted { with: [ 'an', 'object' ] }"],
        ["STDOUT", "d"],
        ["STDERR", "e"],
        ["STDERR", 'warn f {"error":{"name":"TypeError","message":"shown","stack":"…"}}'],
        ["STDERR", "g"],
        ["STDOUT", "h\nsecond line"],
        ["STDOUT", "after the answer"],
      ],
    );
    assertNumbered(entries);
    for (const { observedAt } of entries) assert.ok(Math.abs(Number(observedAt?.seconds) - Date.now() / 1000) < 60);
  });

  test("sessions of one worker do not mix, and secrets of their configs are blotted out", async (t) => {
    const { start } = await startRuntime(t, WORKERS);
    const [red, blue] = await Promise.all([start({ name: "red" }), start({ name: "blue" })]);
    const times = 20;
    await Promise.all(
      [red, blue].flatMap((session, index) => {
        const word = index === 0 ? "red" : "blue";
        return Array.from({ length: 5 }, () => session.invoke("say", { word, times }));
      }),
    );
    for (const [session, word] of [
      [red, "red"],
      [blue, "blue"],
    ] as const) {
      const lines = () => session.printed().filter((line) => !line.startsWith("info configured"));
      await until(() => lines().length === 2 * 5 * times, `all lines of ${word} arrive`);
      assert.deepEqual(new Set(lines()), new Set([word, `info ${word}`]));
      assertNumbered(session.entries());
    }

    const secretive = await start({
      name: "secretive",
      config: {
        apiKey: "key-of-the-config",
        passphrase: "cut-in-two ".repeat(50),
        nested: { client_secret: "secret-in-there" },
        tokenUrl: "https://idp/token",
      },
      env: { GITHUB_TOKEN: "token-of-the-environment", REGION: "eu-central" },
    });
    await secretive.invoke("secrets");
    await until(() => secretive.printed().length === 4, "the lines arrive");
    const all = secretive.printed().join("\n");
    assert.doesNotMatch(all, /key-of-the-config|secret-in-there|token-of-the-environment|cut-in/);
    assert.match(all, /\[redacted\]/);
    assert.match(all, /https:\/\/idp\/token/);
    assert.match(all, /eu-central/);
  });

  test("nothing is sent before gestaltd asks for the session", async (t) => {
    const { gestaltd, bridge } = await startRuntime(t, WORKERS);
    const { id } = await bridge.call(runtime.startSession, { pluginName: "chatty", template: "nothing" });
    gestaltd.logs.register(id);
    await until(async () => {
      const { sessions } = await bridge.call(runtime.listSessions, {});
      return sessions[0]?.state === "failed";
    }, "the session has failed");
    assert.deepEqual(gestaltd.logs.calls, []);
    await bridge.call(runtime.getSession, { sessionId: id });
    await until(() => gestaltd.logs.of(id).length === 1, "the reason arrives");
    assert.match(
      gestaltd.logs.of(id)[0]?.message ?? "",
      /^session failed \{"reason":"unknown-worker","cause":".*nothing/,
    );
  });

  test("a flood is bounded and what is missing is counted", async (t) => {
    const { start } = await startRuntime(t, WORKERS);
    const session = await start();
    const lines = 10_000;
    await session.invoke("flood", { lines });
    const kept = () => session.printed().filter((line) => line.startsWith("line "));
    const dropped = () =>
      session
        .entries()
        .map(({ message }) => Number(/^(\d+) lines? (?:was|were) dropped here$/.exec(message)?.[1] ?? 0))
        .reduce((sum, count) => sum + count, 0);
    await until(() => kept().length + dropped() === lines, "every line has arrived or is counted");
    const numbers = kept().map((line) => Number(line.split(" ")[1]));
    assert.ok(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0)));
    assertNumbered(session.entries());
  });

  test("what workerd says of itself is told to every session, as the runtime's", async (t) => {
    const { start } = await startRuntime(t, WORKERS);
    const sessions = await Promise.all([start({ name: "one" }), start({ name: "two" })]);
    const runtimeLines = (index: number) =>
      sessions[index]
        ?.entries()
        .filter(({ stream }) => stream === Stream.RUNTIME)
        .map(({ message }) => message) ?? [];
    await assert.rejects(Promise.resolve(sessions[0]?.invoke("hang")));
    const hung = /^Uncaught exception: Error: The Workers runtime canceled this request because .* had hung/;
    await until(
      () => [0, 1].every((index) => runtimeLines(index).some((line) => hung.test(line))),
      "the fault arrives",
    );
    const [workerd] = workerdsOf(process.pid);
    process.kill(workerd ?? 0, "SIGKILL");
    await until(() => [0, 1].every((index) => runtimeLines(index).includes("the worker runs again")), "it is told");
    assert.ok(runtimeLines(0).includes("the worker's process has ended; it is being started again"));
    await sessions[0]?.invoke("later", { word: "revived" });
    await until(() => sessions[0]?.printed().at(-1) === "revived", "lines go on");
  });

  test("lines go on after a crash of the bridge, each once", async (t) => {
    const running = await startRuntime(t, WORKERS);
    await outliveCrash(running, await running.start());
  });

  test("StopSession and SIGTERM send what waits", async (t) => {
    const { bridge, start } = await startRuntime(t, WORKERS);
    const stopped = await start({ name: "stopped" });
    const killed = await start({ name: "killed" });
    await stopped.invoke("say", { word: "last", times: 1 });
    await stopped.stop();
    assert.deepEqual(stopped.printed().slice(-3), ["last", "info last", "info closed"]);
    await killed.invoke("say", { word: "last", times: 1 });
    await bridge.stop();
    assert.deepEqual(killed.printed().slice(-3), ["last", "info last", "info closed"]);
  });

  test("bridges of other kinds print the lines of their own session, as JSON, and one of them what concerns all", async (t) => {
    const [one, two] = await Promise.all(
      ["one", "two"].map(async (name) => {
        const bridge = await startBridgeProcess(t, "cache", { name });
        await bridge.configure({ worker: { project: APP, state, provider: "store" }, password: `secret-of-${name}` });
        return bridge;
      }),
    );
    assert.ok(one && two);
    await one.call(Cache.method.get, { key: "first" });
    await two.call(Cache.method.get, { key: "second" });
    await until(() => one.stderr().includes("no first") && two.stderr().includes("no second"), "the lines are printed");
    const linesOf = ({ stderr }: typeof one) =>
      stderr()
        .split("\n")
        .filter((line) => line.includes('"source":"worker"'))
        .map((line) => JSON.parse(line));
    const [configured, asked, warned, ...others] = linesOf(one);
    assert.deepEqual(others, []);
    assert.equal(configured.message, "configured");
    assert.deepEqual(
      { ...asked, time: undefined },
      {
        time: undefined,
        level: "info",
        message: "asked",
        bridge: "cache",
        provider: "one",
        source: "worker",
        fields: { key: "first", password: "[redacted]" },
      },
    );
    assert.equal(warned.level, "error");
    assert.equal(warned.message, "no first");
    assert.doesNotMatch(two.stderr(), /first|secret-of/);

    await assert.rejects(one.call(Cache.method.get, { key: "hang" }));
    const faults = () => [one, two].flatMap(({ stderr }) => stderr().match(/"source":"runtime"/g) ?? []).length;
    await until(() => faults() > 0, "the fault is printed");
    // A line of each that is printed later shows that the other one has nothing to say of it.
    await Promise.all([one, two].map((bridge) => bridge.call(Cache.method.get, { key: "after" })));
    await until(() => [one, two].every(({ stderr }) => stderr().includes("no after")), "the lines are printed");
    assert.equal(faults(), 1);
  });
});
