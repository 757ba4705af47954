// Callers and authors at their worst: the worker answers what it promises, tells nobody else's secrets, and stays up.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { answerToHead, startWorker, type TestWorker, type TokenClaims } from "../support/worker-harness.ts";

const EXECUTE = "/gestalt.provider.v1.IntegrationProvider/Execute";
const INTERNAL = [500, { error: "internal error" }];

suite("hostile", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  const log: string[] = [];

  before(async () => {
    const entry = new URL("./hostile.worker.ts", import.meta.url);
    worker = await startWorker({ entry, provider: "hostile", onLog: (line) => log.push(line) });
  });
  after(() => worker.dispose());

  async function execute(operation: string, params: JsonObject = {}, claims: TokenClaims = {}) {
    const { status, body } = await worker.client(IntegrationProvider, claims).execute({ operation, params });
    return [status, JSON.parse(body)];
  }

  async function logged(holds: (line: string) => boolean): Promise<string> {
    for (let attempts = 0; attempts < 1000; attempts++) {
      const line = log.find(holds);
      if (line !== undefined) return line;
      await execute("echo");
    }
    return assert.fail("it was not logged");
  }

  test("operations may be named like properties of objects, and those that are not there are unknown", async () => {
    assert.deepEqual(await execute("__proto__"), [200, "mine"]);
    assert.deepEqual(await execute("constructor"), [200, "mine too"]);
    for (const id of ["toString", "hasOwnProperty", "", "a\u0000b", "ü"]) assert.equal((await execute(id))[0], 404, id);
    const [status, { error }] = await execute("\u0001".repeat(600_000));
    assert.equal(status, 404);
    assert.ok(error.length < 300, "an id is repeated only as far as it is readable");
  });

  test("parameters may be named like properties of objects, and are not there unless they were sent", async () => {
    const params = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":"x"}');
    const [, echoed] = await execute("echo", params);
    assert.deepEqual(Object.entries(echoed), Object.entries(params));
    assert.deepEqual(await execute("names"), [200, [["toString", "absent"]]]);
    const [, named] = await execute("names", { constructor: "2", toString: "x" } as JsonObject);
    assert.deepEqual(Object.fromEntries(named), { constructor: 2, toString: "x" });
  });

  test("variables, connection parameters and config inherit nothing", async () => {
    assert.deepEqual(await execute("inherited"), [200, ["undefined", "undefined"]]);
    assert.deepEqual(await execute("connection"), [400, { error: 'the connection has no parameter "constructor"' }]);
    const config = JSON.parse('{"__proto__":{"mark":"inherited"},"deep":{"__proto__":1}}');
    const [status, seen] = await execute(
      "session",
      {},
      { sid: "proto", config, vars: JSON.parse('{"__proto__":"v"}') },
    );
    assert.equal(status, 200);
    assert.deepEqual([seen.config.mark, Object.entries(seen.env)], [undefined, [["__proto__", "v"]]]);
  });

  test("whatever is thrown is 500 without a word of it, and logged", async () => {
    const thrown = ["text", "undefined", "null", "object", "bigint", "symbol", "cyclic", "error with a cyclic cause"];
    thrown.push("getters that throw", "status that is none", "body that is no JSON", "abort of its own");
    for (const what of thrown) {
      log.length = 0;
      assert.deepEqual(await execute("throw", { what }), INTERNAL, what);
      await logged((line) => line.includes("operation throw failed"));
    }
  });

  test("whatever cannot be sent is 500, and logged", async () => {
    const returned = ["bigint", "cyclic", "web response", "toJSON that throws"];
    returned.push("status 0", "status 99", "status 1000", "status NaN", "status as text");
    for (const what of returned) {
      log.length = 0;
      assert.deepEqual(await execute("return", { what }), INTERNAL, what);
      await logged((line) => line.includes("operation return failed"));
    }
  });

  test("input with many thousand faults is 400 still, and says how many", async () => {
    const [status, { error, issues }] = await execute("list", { items: Array<string>(50_000).fill("x") });
    assert.equal(status, 400);
    assert.equal(issues.length, 101);
    assert.deepEqual(issues.at(-1), { path: "", message: "and 49900 more" });
    assert.match(error, /^invalid input: items\[0\]: .*; and 49900 more$/);
    const unknown = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`key-${index}`, 1]));
    assert.equal((await execute("strict", unknown))[0], 400);
  });

  test("input nests as deep as documents do; without end it is refused", async () => {
    const nested = (levels: number) => {
      let value: JsonObject = {};
      for (let level = 0; level < levels; level++) value = { a: [value] };
      return value;
    };
    assert.deepEqual(await execute("echo", nested(100)), [200, nested(100)]);
    const refused = await execute("echo", nested(400)).catch((error: unknown) => error);
    assert.ok(refused instanceof ConnectError && refused.code === Code.InvalidArgument);
  });

  test("no value of an input or a config is in an error, nor in the log", async () => {
    const [status, body] = await execute("secretive", {
      password: "canary-1",
      kind: "canary-2",
      pin: "canary-3",
      url: "canary-4",
    });
    assert.equal(status, 400);
    assert.doesNotMatch(JSON.stringify(body), /canary/);
    log.length = 0;
    const start = worker.client(IntegrationProvider, {
      sid: "leak",
      config: { mark: 1, nap: "canary", other: "canary" },
    });
    const refused = await start.startProvider({ protocolVersion: 3 }).catch((error: unknown) => error);
    assert.ok(refused instanceof ConnectError && refused.code === Code.InvalidArgument);
    assert.match(refused.rawMessage, /mark: .*; nap: /);
    assert.doesNotMatch(refused.rawMessage, /canary/);
    assert.equal((await execute("echo", {}, { sid: "leak", config: { mark: 1, nap: "canary" } }))[0], 500);
    await logged((line) => line.includes("could not begin"));
    assert.doesNotMatch(log.join("\n"), /canary| {4}at /);
  });

  test("what a surface answers in a wrong shape is not shown, whatever the form", async () => {
    for (const useBinaryFormat of [true, false]) {
      const cache = worker.client(Cache, { provider: "careless" }, { useBinaryFormat });
      const answers = await Promise.allSettled([cache.get({ key: "k" }), cache.delete({ key: "k" })]);
      for (const answer of answers) {
        if (answer.status === "rejected") assert.equal(ConnectError.from(answer.reason).rawMessage, "internal error");
      }
      assert.equal(answers[0].status, "rejected");
    }
  });

  test("two sessions that a bridge gave one id share neither config nor hooks", async () => {
    const sessions = ["a", "b"].map((mark) => ({ sid: "one", config: { mark, nap: 5 }, vars: { MARK: mark } }));
    log.length = 0;
    const rounds = await Promise.all(
      Array.from({ length: 20 }, (_, round) => execute("session", {}, sessions[round % 2])),
    );
    rounds.forEach(([status, seen], round) => {
      const { config, vars } = sessions[round % 2] as (typeof sessions)[number];
      assert.deepEqual([status, seen.config, seen.env], [200, config, vars]);
    });
    const configured = log.filter((line) => line.includes('"configured"')).map((line) => JSON.parse(line));
    assert.deepEqual(configured.map(({ mark, MARK }) => [mark, MARK]).sort(), [
      ["a", "a"],
      ["b", "b"],
    ]);
  });

  test("a line of the log says whose it is, whatever the author logs", async () => {
    log.length = 0;
    await Promise.all(
      ["one", "two"].map((name) => execute("session", {}, { sid: name, name, config: { mark: name } })),
    );
    for (const name of ["one", "two"]) {
      const line = JSON.parse(await logged((each) => each.includes('"seen"') && each.includes(`"mark":"${name}"`)));
      assert.deepEqual([line.session, line.level, line.provider], [name, "info", "hostile"]);
    }
    assert.deepEqual(await execute("log"), [200, "logged"]);
    const odd = JSON.parse(await logged((line) => line.includes('"odd"')));
    assert.deepEqual([odd.big, odd.fine], ["1", "fine"]);
  });

  test("a handler cannot change the config that the next call gets", async () => {
    const session = { sid: "frozen", config: { mark: "mine" } };
    assert.deepEqual(await execute("overwrite", {}, session), INTERNAL);
    assert.equal((await execute("session", {}, session))[1].config.mark, "mine");
  });

  test("a deadline of no or hardly any time is a 504 result", async () => {
    for (const timeout of ["0", "1"]) {
      const answer = await worker.fetch(EXECUTE, {
        method: "POST",
        headers: {
          authorization: `Bearer ${await worker.token()}`,
          "content-type": "application/json",
          "connect-timeout-ms": timeout,
        },
        body: '{"operation":"wait"}',
      });
      assert.deepEqual(await answer.json(), { status: 504, body: '{"error":"operation timed out"}' });
    }
  });

  test("a method with effects is not to be had by GET", async () => {
    const query = `?connect=v1&encoding=json&message=${encodeURIComponent('{"operation":"echo"}')}`;
    const headers = { authorization: `Bearer ${await worker.token()}` };
    const answer = await worker.fetch(`${EXECUTE}${query}`, { headers });
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "POST"]);
  });

  test("headers sent twice get nobody in", async () => {
    const bearer = `authorization: Bearer ${await worker.token()}`;
    const head = [`POST ${EXECUTE} HTTP/1.1`, "host: worker", "content-type: application/json", "content-length: 2"];
    assert.match(await answerToHead(worker.url, [...head, bearer, bearer]), /^HTTP\/1.1 401 /);
  });
});

suite("zod/mini", { timeout: 30_000 }, () => {
  test("config and input of schemas without texts are refused in words", async () => {
    const entry = new URL("./mini-config.worker.ts", import.meta.url);
    const worker = await startWorker({ entry, provider: "mini" });
    try {
      const plugin = worker.client(IntegrationProvider, { config: { retries: 9, url: "no", other: 1 } });
      const refused = await plugin.startProvider({ protocolVersion: 3 }).catch((error: unknown) => error);
      assert.ok(refused instanceof ConnectError);
      assert.match(refused.rawMessage, /retries: Too big: .*; url: Invalid URL; Unrecognized key: "other"/);
      const good = worker.client(IntegrationProvider, { config: { retries: 1, url: "https://a.example" } });
      const { status, body } = await good.execute({ operation: "half", params: { of: true } });
      assert.equal(status, 400);
      assert.match(body, /of: Invalid input: expected number, received boolean/);
    } finally {
      await worker.dispose();
    }
  });
});
