// Lines on their way: what is one, what may not be read, what was here before.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { createLog, createSecrets } from "../../src/bridge/log.ts";
import { readable } from "../../src/bridge/runtime-logs/readable-line.ts";
import { secretValues } from "../../src/bridge/runtime-logs/secret-values.ts";
import { stderrLog } from "../../src/bridge/runtime-logs/stderr-log.ts";
import { writeLogs } from "../../src/bridge/runtime-logs/write-logs.ts";
import { WriteLogsRequestSchema } from "../../src/gen/gestalt/edge/v1/bridge_pb.ts";
import { PluginRuntimeLogStream as Stream } from "../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import { logMark, splitMarkedLine } from "../../src/wire/bindings.ts";
import { MAX_LINE_CHARACTERS, MAX_PENDING_LINES } from "../../src/worker/logging/limits.ts";
import { PendingLines } from "../../src/worker/logging/pending-lines.ts";
import { lineOf } from "../../src/worker/logging/text.ts";

suite("lines in the worker", () => {
  test("what console is given becomes one text", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const cases: [unknown[], string][] = [
      [[], ""],
      [["plain 100%"], "plain 100%"],
      [["a", 1, 2n, true, null, undefined], "a 1 2 true null undefined"],
      [["%s is %d, %i, %f %% %x %s", "it", "4.5", 4.5, "1.5"], "it is 4.5, 4, 1.5 % %x %s"],
      [["%o and %j", { a: 1n }, [1], "rest"], '{"a":"1"} and [1] rest'],
      [["%cred", "color: red"], "red"],
      [[{ a: [1] }, Symbol("s")], '{"a":[1]} Symbol(s)'],
      [[cyclic], "(cannot be printed)"],
      [[function named() {}], "[function named]"],
    ];
    for (const [values, expected] of cases) assert.equal(lineOf(values), expected);
    const error = new TypeError("outer", { cause: "inner" });
    assert.match(lineOf(["failed", error]), /^failed TypeError: outer\n +at .*\n\[cause\]: inner$/s);
  });

  test("lines wait in order, within bounds, and are sent once", () => {
    const pending = new PendingLines();
    const add = (message: string) => pending.add({ stream: "stdout", message, writtenAt: 1 });
    const first = add("one");
    const second = add("two");
    const batch = pending.next();
    assert.deepEqual(
      batch.lines.map(({ message }) => message),
      ["one", "two"],
    );
    const third = add("three");
    assert.equal(pending.next(), batch, "the same until it was delivered");
    assert.deepEqual(
      [first, second, third].map((line) => pending.isPending(line)),
      [true, true, true],
    );
    pending.delivered(batch);
    assert.deepEqual(
      [first, second, third].map((line) => pending.isPending(line)),
      [false, false, true],
    );
    assert.equal(pending.next().first, 2);

    const flooded = new PendingLines();
    const written = MAX_PENDING_LINES + 10;
    for (let line = 0; line < written; line += 1) flooded.add({ stream: "stdout", message: "x", writtenAt: line });
    const { dropped, lines } = flooded.next();
    assert.equal(dropped, 10);
    assert.equal(lines[0]?.writtenAt, 10);
    const long = new PendingLines();
    long.add({ stream: "stdout", message: "x".repeat(MAX_LINE_CHARACTERS + 1), writtenAt: 1 });
    assert.equal(long.next().lines[0]?.message.length, MAX_LINE_CHARACTERS + 1, "cut, with a sign of it");
  });

  test("a marked line is its session's, and nobody else can mark one", () => {
    const mark = "random";
    const line = `${logMark(mark, "s-1")} hello`;
    assert.deepEqual(splitMarkedLine(mark, line), { session: "s-1", text: "hello" });
    assert.deepEqual(splitMarkedLine("another", line), { text: line });
    assert.deepEqual(splitMarkedLine(mark, "hello"), { text: "hello" });
  });
});

suite("lines in the bridge", () => {
  test("an entry of request.log is readable, another line stays as it is", () => {
    const names = { provider: "search", name: "docs" };
    const line = (entry: object) => readable(JSON.stringify(entry), names);
    const own = { level: "warn", message: "slow", provider: "search", session: "docs" };
    assert.equal(line(own), "warn slow");
    assert.equal(line({ ...own, ms: 12 }), 'warn slow {"ms":12}');
    assert.equal(line({ ...own, session: "of a caller" }), 'warn slow {"session":"of a caller"}');
    assert.equal(line({ level: 30, message: "pino" }), '{"level":30,"message":"pino"}');
    assert.equal(readable("{no json", names), "{no json");
  });

  test("keys tell which values are secret", () => {
    const config = {
      apiKey: "1",
      API_KEY: "2",
      "client-secret": "3",
      dbPassword: ["4", { deep: "5" }],
      nested: [{ key: "6", keyPrefix: "no", list: [{ token: "7" }] }],
      tokenUrl: "no",
      secretName: "no",
      accessKeyId: "no",
      monkey: "no",
      authorization: "8",
      credentials: { user: "9", password: "10" },
      tokens: 11,
    };
    assert.deepEqual(secretValues(config), ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
  });

  test("a batch that comes twice is written once", async () => {
    const written: string[] = [];
    const dropped: number[] = [];
    const log = {
      write: (stream: string, message: string) => void written.push(`${stream} ${message}`),
      dropped: (count: number) => void dropped.push(count),
    };
    const [path, method] = writeLogs(log);
    assert.equal(path, "/gestalt.edge.v1.BridgeService/WriteLogs");
    const send = (writer: string, first: bigint, messages: string[], lost = 0n) => {
      const lines = messages.map((message, index) => ({
        stream: index % 2 === 0 ? Stream.STDOUT : Stream.STDERR,
        message,
      }));
      return method(
        toBinary(WriteLogsRequestSchema, create(WriteLogsRequestSchema, { lines, writer, first, dropped: lost })),
      );
    };
    await send("a", 0n, ["1", "2"], 3n);
    await send("a", 0n, ["1", "2"], 3n);
    await send("b", 0n, ["of b"]);
    await send("a", 1n, ["2", "3"]);
    assert.deepEqual(written, ["stdout 1", "stderr 2", "stdout of b", "stderr 3"]);
    assert.deepEqual(dropped, [3, 0]);
    await assert.rejects(method(Uint8Array.of(255)), /not a WriteLogsRequest/);
  });

  test("a secret that begins with another is blotted out whole, whichever was told first", () => {
    const secrets = createSecrets();
    for (const value of ["longsecret", "longsecret-and-more", 'quoted"secret']) secrets.add(value);
    const text = `longsecret longsecret-and-more ${JSON.stringify('quoted"secret')}`;
    assert.equal(secrets.redact(text), '[redacted] [redacted] "[redacted]"');
  });

  test("of a secret that a line was cut in nothing is left, wherever the line goes", () => {
    const secrets = createSecrets();
    for (const value of ["0123456789", 'quoted"secret', "another-one"]) secrets.add(value);
    for (const beginning of ["0123456789", "012345678", "0123", 'quoted"s']) {
      assert.equal(secrets.redact(`it is ${beginning}…`), "it is [redacted]…", beginning);
      const inJson = secrets.redact(JSON.stringify({ message: `it is ${beginning}…`, plugin: "x" }));
      assert.deepEqual(JSON.parse(inJson), { message: "it is [redacted]…", plugin: "x" });
    }
    for (const text of ["it is 012…", "it is …", "it is 0123", "…"]) assert.equal(secrets.redact(text), text);
  });

  test("sessions without a log of gestaltd's print JSON, in which fields pass for nothing else", () => {
    const printed: Record<string, unknown>[] = [];
    const bridge = createLog(createSecrets(), { bridge: "cache" }, (line) => printed.push(JSON.parse(line)));
    const log = stderrLog(bridge, { provider: "store", name: "edge" });
    log.write("stdout", JSON.stringify({ level: "warn", message: "odd", session: "edge", bridge: "forged" }));
    log.write("stderr", "printed");
    log.dropped(2);
    assert.deepEqual(
      printed.map(({ time: _time, ...entry }) => entry),
      [
        { level: "warn", message: "odd", bridge: "cache", source: "worker", fields: { bridge: "forged" } },
        { level: "error", message: "printed", bridge: "cache", source: "worker" },
        { level: "warn", message: "lines of the worker were dropped", bridge: "cache", source: "worker", count: 2 },
      ],
    );
  });
});
