// What a deployed worker prints: over the session's channel to the bridge, and from there to gestaltd.
import assert from "node:assert/strict";
import { after, before, suite, type TestContext, test } from "node:test";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import { until } from "../support/bridge-process.ts";
import { startWorker, type TestWorker, WORKER_NAME } from "../support/worker-harness.ts";
import { APP, assertNumbered, outliveCrash, startRuntime } from "./runtime.ts";

suite("the log of a deployed worker", { timeout: 110_000 }, () => {
  let worker: TestWorker;
  const console: string[] = [];
  before(async () => {
    worker = await start();
  });
  after(() => worker.dispose());

  const start = (compatibilityFlags = ["enable_request_signal", "nodejs_als"]) =>
    startWorker({
      entry: `${APP}/app.worker.ts`,
      durableObjects: { [CHANNEL_BINDING]: { className: "HostChannel", useSQLite: true } },
      compatibilityFlags,
      onLog: (line) => console.push(line),
    });
  const deployed = (t: TestContext, { url, privateKey: key }: TestWorker = worker) =>
    startRuntime(t, { chatty: { url, key, name: WORKER_NAME, provider: "chatty" } }, "relay");

  test("lines come over the channel in order, each once, and stay on the console", async (t) => {
    const { start } = await deployed(t);
    const session = await start();
    await session.invoke("all");
    await session.invoke("later", { word: "after the answer" });
    await until(() => session.printed().at(-1) === "after the answer", "the last line arrives");
    const lines = session.printed().map((line) => line.replace(/"stack":"(\\"|[^"])*"/, '"stack":"…"'));
    assert.deepEqual(lines, [
      'info configured {"config":{}}',
      "debug a",
      'info b {"bytes":12}',
      'c formatted {"with":["an","object"]}',
      "d",
      "e",
      'warn f {"error":{"name":"TypeError","message":"shown","stack":"…"}}',
      "g",
      "h\nsecond line",
      "after the answer",
    ]);
    assertNumbered(session.entries());
    assert.ok(console.includes("after the answer"));
    assert.ok(console.some((line) => line.startsWith('{"level":"info","message":"b"')));
  });

  test("sessions of one worker do not mix", async (t) => {
    const { start } = await deployed(t);
    const [red, blue] = await Promise.all([start({ name: "red" }), start({ name: "blue" })]);
    const say = (word: string) => ({ word, times: 10 });
    const calls = [red.invoke("say", say("red")), blue.invoke("say", say("blue"))];
    await Promise.all([...calls, red.invoke("say", say("red")), blue.invoke("say", say("blue"))]);
    for (const [session, word] of [
      [red, "red"],
      [blue, "blue"],
    ] as const) {
      const lines = () => session.printed().filter((line) => !line.startsWith("info configured"));
      await until(() => lines().length === 40, `all lines of ${word} arrive`);
      assert.deepEqual(new Set(lines()), new Set([word, `info ${word}`]));
      assertNumbered(session.entries());
    }
  });

  test("a flood is bounded in the worker, and what is missing is counted", async (t) => {
    const { start } = await deployed(t);
    const session = await start();
    const lines = 10_000;
    await session.invoke("flood", { lines });
    await until(() => session.printed().at(-1) === `line ${lines - 1} of many`, "the last line arrives");
    const counts = session
      .entries()
      .map(({ message }) => /^(\d+) lines? (?:was|were) dropped here$/.exec(message)?.[1]);
    const dropped = counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
    assert.ok(dropped > 0);
    assert.equal(session.printed().length + dropped, lines + 1, "with the one that its configuration wrote");
  });

  test("the end of a session sends what the worker still holds", async (t) => {
    const { start } = await deployed(t);
    const session = await start();
    await session.invoke("say", { word: "last", times: 1 });
    await session.stop();
    assert.deepEqual(session.printed().slice(-3), ["last", "info last", "info closed"]);
  });

  test("lines go on after a crash of the bridge, each once", async (t) => {
    const running = await deployed(t);
    await outliveCrash(running, await running.start());
  });

  test("without the compatibility flag request.log still arrives, and console stays on the console", async (t) => {
    const plain = await start(["enable_request_signal"]);
    t.after(() => plain.dispose());
    const runtime = await deployed(t, plain);
    const session = await runtime.start();
    await session.invoke("say", { word: "plain", times: 1 });
    await until(() => session.printed().includes("info plain"), "the line arrives");
    assert.deepEqual(session.printed(), ['info configured {"config":{}}', "info plain"]);
    assert.ok(console.includes("plain"));
  });
});
