// A hosted session's log on its way from the bridge to gestaltd: order, numbers, batches, patience.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { createLog, createSecrets } from "../../src/bridge/log.ts";
import { QUEUE_LINES } from "../../src/bridge/runtime-logs/limits.ts";
import { RuntimeLog } from "../../src/bridge/runtime-logs/runtime-log.ts";
import { PluginRuntimeLogStream as Stream } from "../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import type { FakeGestaltd } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { offered, startFakeGestaltd, startHostClient, until } from "../support/fake-gestaltd/start.ts";
import { assertNumbered } from "./runtime.ts";

const SESSION = "session-1";

async function start(t: TestContext, { session = SESSION } = {}) {
  const gestaltd = await startFakeGestaltd(t);
  const client = startHostClient(t, gestaltd);
  const service = await offered(gestaltd, { session: SESSION, via: "unix", hosts: ["RUNTIME_LOG"] });
  const warnings: string[] = [];
  const secrets = createSecrets();
  const log = new RuntimeLog({
    session,
    client,
    redact: secrets.redact,
    log: createLog(secrets, {}, (line) => warnings.push(line)),
    retryMs: [5, 20],
  });
  t.after(() => log.close(0));
  log.use(service("RUNTIME_LOG"));
  return { gestaltd, log, secrets, warnings };
}

function messages(gestaltd: FakeGestaltd): string[] {
  return gestaltd.logs.of(SESSION).map(({ message }) => message);
}

suite("a session's runtime log", { timeout: 30_000 }, () => {
  test("lines arrive in order, with stream and time, numbered", async (t) => {
    const { gestaltd, log } = await start(t);
    log.registered();
    const at = new Date("2026-07-01T12:00:00.123Z");
    log.write("stdout", "one", at);
    log.write("stderr", "two", at);
    log.write("stdout", "");
    log.write("runtime", "three");
    await until(() => gestaltd.logs.of(SESSION).length === 3, "the lines did not arrive");
    const [one, two, three] = gestaltd.logs.of(SESSION);
    assert.deepEqual([one?.stream, two?.stream, three?.stream], [Stream.STDOUT, Stream.STDERR, Stream.RUNTIME]);
    assert.deepEqual(messages(gestaltd), ["one", "two", "three"]);
    assert.equal(one?.observedAt?.seconds, BigInt(at.getTime()) / 1000n);
    assert.equal(one?.observedAt?.nanos, 123_000_000);
    assertNumbered(gestaltd.logs.of(SESSION));
    assert.deepEqual(gestaltd.logs.calls, [3], "lines of one moment share a call");
  });

  test("nothing is sent before gestaltd knows the session", async (t) => {
    const { gestaltd, log } = await start(t);
    log.write("stdout", "early");
    // A line of another session that is sent later and arrives proves that this one was not sent.
    const other = await start(t);
    other.log.registered();
    other.log.write("stdout", "of another");
    await until(() => other.gestaltd.logs.calls.length === 1, "the other line did not arrive");
    assert.deepEqual(gestaltd.logs.calls, []);
    log.registered();
    await until(() => messages(gestaltd).length === 1, "the early line did not arrive");
  });

  test("many lines go in several calls, none too large, none lost", async (t) => {
    const { gestaltd, log } = await start(t);
    log.registered();
    for (let number = 0; number < 2_000; number += 1) log.write("stdout", `line ${number}`);
    log.write("stdout", "x".repeat(100_000));
    await until(() => messages(gestaltd).length === 2_001, "the lines did not arrive");
    assert.deepEqual(
      messages(gestaltd).slice(0, 2_000),
      Array.from({ length: 2_000 }, (_, number) => `line ${number}`),
    );
    assert.equal(messages(gestaltd).at(-1)?.length, 16_384 + 1, "a long line is cut");
    assert.ok(Math.max(...gestaltd.logs.calls) <= 512);
    assertNumbered(gestaltd.logs.of(SESSION));
  });

  test("while gestaltd is away lines wait, the oldest are dropped and counted, and it goes on", async (t) => {
    const { gestaltd, log } = await start(t);
    log.registered();
    log.write("stdout", "before");
    await until(() => messages(gestaltd).length === 1, "the first line did not arrive");
    const [listener] = gestaltd.unix;
    assert.ok(listener);
    await listener.stop();
    const written = QUEUE_LINES + 1_000;
    for (let number = 0; number < written; number += 1) log.write("stdout", `away ${number}`);
    await listener.start();
    await until(() => messages(gestaltd).at(-1) === `away ${written - 1}`, "the last line did not arrive");
    // gestaltd may have ended between storing the first line and saying so; then it is told again, under the same number.
    const numbers = new Set<bigint>();
    const entries = gestaltd.logs.of(SESSION).filter(({ sourceSeq }) => numbers.size < numbers.add(sourceSeq).size);
    const [, notice = "", ...kept] = entries.map(({ message }) => message);
    const [, dropped] = /^(\d+) lines were dropped here$/.exec(notice) ?? assert.fail(notice);
    assert.equal(kept.length + Number(dropped), written);
    assert.deepEqual(
      kept,
      Array.from({ length: kept.length }, (_, index) => `away ${Number(dropped) + index}`),
    );
    assert.equal(entries[1]?.stream, Stream.RUNTIME);
    assertNumbered(entries);
  });

  test("lines that gestaltd will not have are counted, and what follows goes on", async (t) => {
    const { gestaltd, log } = await start(t);
    for (const refusal of [Code.InvalidArgument, Code.ResourceExhausted]) {
      gestaltd.logs.refusal = refusal;
      for (const line of ["one", "two"]) log.write("stdout", line);
      log.registered();
      await until(() => gestaltd.logs.refusal === undefined, "nothing was sent");
      log.write("stdout", "three");
      await until(() => messages(gestaltd).at(-1) === "three", "the next line did not arrive");
      assert.deepEqual(messages(gestaltd).slice(-2), ["2 lines were dropped here", "three"]);
      log.write("stdout", "last");
      await until(() => messages(gestaltd).at(-1) === "last", "it does not go on");
    }
    assertNumbered(gestaltd.logs.of(SESSION));
  });

  test("a session that gestaltd does not know is asked for a few times, then its log ends", async (t) => {
    const { gestaltd, log, warnings } = await start(t, { session: "nobody" });
    log.registered();
    log.write("stdout", "to nobody");
    await until(() => warnings.length > 0, "nobody was told");
    assert.match(warnings[0] ?? "", /does not take a session's log/);
    assert.equal(gestaltd.logs.calls.length, 8);
    log.write("stdout", "more");
    await log.close(1_000);
    assert.equal(gestaltd.logs.calls.length, 8);
  });

  test("a session that gestaltd comes to know gets its lines", async (t) => {
    const { gestaltd, log } = await start(t, { session: "soon" });
    log.registered();
    log.write("stdout", "patient");
    await until(() => gestaltd.logs.calls.length >= 2, "it was not tried again");
    gestaltd.logs.register("soon");
    await until(() => gestaltd.logs.of("soon").length === 1, "the line did not arrive");
  });

  test("secrets are blotted out, also inside JSON", async (t) => {
    const { gestaltd, log, secrets } = await start(t);
    secrets.add('pass"word-1234');
    log.registered();
    log.write("stdout", 'the password is pass"word-1234');
    log.write("stdout", JSON.stringify({ password: 'pass"word-1234' }));
    await until(() => messages(gestaltd).length === 2, "the lines did not arrive");
    assert.deepEqual(messages(gestaltd), ["the password is [redacted]", '{"password":"[redacted]"}']);
  });

  test("the end sends what waits, and does not wait for a gestaltd that does not answer", async (t) => {
    const { gestaltd, log } = await start(t);
    log.registered();
    log.write("stdout", "last words");
    await log.close(5_000);
    assert.deepEqual(messages(gestaltd), ["last words"]);

    const deaf = await start(t);
    deaf.log.registered();
    const release = deaf.gestaltd.hold();
    deaf.log.write("stdout", "unheard");
    await deaf.log.close(50);
    release();
    assert.deepEqual(messages(deaf.gestaltd), []);
  });
});
