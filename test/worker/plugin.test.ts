// What a plugin answers, seen through IntegrationProvider as gestaltd calls it.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { ConnectionMode, IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { startWorker, type TestWorker, type TokenClaims } from "../support/worker-harness.ts";

const entry = new URL("./plugin.worker.ts", import.meta.url);

suite("plugin", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  let full: Client<typeof IntegrationProvider>;
  const log: string[] = [];

  before(async () => {
    worker = await startWorker({ entry, provider: "full", onLog: (line) => log.push(line) });
    full = worker.client(IntegrationProvider);
  });
  after(() => worker.dispose());

  async function execute(operation: string, params?: JsonObject, claims: TokenClaims = {}): Promise<[number, unknown]> {
    const { status, body } = await worker
      .client(IntegrationProvider, claims)
      .execute({ operation, ...(params && { params }) });
    return [status, JSON.parse(body)];
  }

  async function code(promise: Promise<unknown>): Promise<Code> {
    const error = await promise.then(
      () => assert.fail("the call succeeded"),
      (reason: unknown) => ConnectError.from(reason),
    );
    assert.ok(!error.message.includes("a secret"));
    return error.code;
  }

  test("the start that gestaltd makes: metadata without config, then StartProvider", async () => {
    const metadata = await worker.client(IntegrationProvider, { config: undefined }).getMetadata({});
    assert.deepEqual(
      [metadata.name, metadata.displayName, metadata.connectionMode, metadata.authTypes],
      ["full", "Full", ConnectionMode.USER, ["oauth2"]],
    );
    assert.equal(metadata.connectionParams.tenant?.from, "url");
    assert.deepEqual([metadata.supportsSessionCatalog, metadata.supportsPostConnect], [true, true]);
    assert.equal(metadata.staticCatalog?.iconSvg, "<svg/>");
    assert.equal((await full.startProvider({ name: "full", protocolVersion: 3 })).protocolVersion, 3);
    assert.equal(await code(full.startProvider({ protocolVersion: 2 })), Code.FailedPrecondition);
  });

  test("a plugin without hooks sets no flag and answers UNIMPLEMENTED for them", async () => {
    const least = worker.client(IntegrationProvider, { provider: "least" });
    const metadata = await least.getMetadata({});
    assert.deepEqual([metadata.supportsSessionCatalog, metadata.supportsPostConnect], [false, false]);
    assert.deepEqual(
      metadata.staticCatalog?.operations.map(({ id }) => id),
      ["ping"],
    );
    for (const hook of ["getSessionCatalog", "postConnect", "resolveHTTPSubject"] as const) {
      assert.equal(await code(least[hook]({})), Code.Unimplemented);
    }
    assert.equal((await least.execute({ operation: "ping" })).body, '"pong"');
  });

  test("input is checked, output is checked and keeps only what its schema knows, config is typed", async () => {
    assert.deepEqual(await execute("greet", { name: "Ada" }), [200, { text: "Hello, Ada" }]);
    const hi = { sid: "hi", config: { greeting: "Hi" } };
    assert.deepEqual(await execute("greet", { name: "Ada" }, hi), [200, { text: "Hi, Ada" }]);
  });

  test("an unknown operation is 404", async () => {
    for (const operation of ["nobody", "", "constructor", "__proto__"]) {
      assert.deepEqual(await execute(operation), [404, { error: `unknown operation "${operation}"` }]);
    }
  });

  test("bad input is 400 with the path of each fault", async () => {
    const [status, body] = await execute("things.find", { query: "x", limit: 51, tags: ["a", 2] });
    assert.equal(status, 400);
    const { error, issues } = body as { error: string; issues: { path: string; message: string }[] };
    assert.deepEqual(
      issues.map(({ path }) => path),
      ["query", "limit", "tags[1]"],
    );
    assert.match(error, /^invalid input: query: .*; limit: .*; tags\[1\]: /);
    assert.equal((await execute("things.find"))[0], 400);
    assert.deepEqual(await execute("async", { id: "taken" }), [
      400,
      { error: "invalid input: id: is taken", issues: [{ path: "id", message: "is taken" }] },
    ]);
  });

  test("texts that GET sends become what the schema asks for, defaults apply, real texts stay", async () => {
    const ask = async (params: JsonObject) => ((await execute("things.find", params))[1] as { items: string[] }).items;
    assert.deepEqual(await ask({ query: "10" }), ["10", "number", "10", "undefined", "undefined", "a"]);
    assert.deepEqual(await ask({ query: "true", limit: "7", deep: "true", tags: "one", mode: "b" }), [
      "true",
      "number",
      "7",
      "true",
      '["one"]',
      "b",
    ]);
    assert.deepEqual((await ask({ query: "xx", tags: '["1","2"]' }))[4], '["1","2"]');
    assert.deepEqual(await execute("choice", { kind: "one", size: "3" }), [200, { kind: "one", size: 3 }]);
    assert.deepEqual(await execute("choice", { kind: "two", name: "3" }), [200, { kind: "two", name: "3" }]);
  });

  test("a handler gets everything that gestaltd says", async () => {
    const { body } = await worker
      .client(IntegrationProvider, { name: "gestaltd-name", vars: { A: "b" }, config: {} })
      .execute(
        {
          operation: "request",
          params: { n: 1.5, nested: { list: [null, true] } },
          token: "token",
          connectionParams: { tenant: "t" },
          invocationId: "invocation",
          invocationToken: "invocation-token",
          idempotencyKey: "key",
          context: {
            subject: { id: "user:1", kind: "user", displayName: "One", authSource: "oidc" },
            agentSubject: { id: "user:2", kind: "user", displayName: "Two", authSource: "oidc" },
            externalIdentity: { type: "chat", id: "c1" },
            agentExternalIdentity: { type: "chat", id: "c2" },
            credential: { mode: "user", subjectId: "user:1", connection: "main", instance: "i" },
            access: { policy: "p", role: "admin" },
            workflow: { run: "r" },
            host: { publicBaseUrl: "https://gestalt.example" },
          },
        },
        { timeoutMs: 60_000 },
      );
    const { input, request } = JSON.parse(body);
    assert.deepEqual(input, { n: 1.5, nested: { list: [null, true] } });
    const { deadline, ...rest } = request;
    assert.ok(deadline > Date.now());
    assert.deepEqual(rest, {
      name: "gestaltd-name",
      config: { greeting: "Hello", fail: false },
      env: { A: "b" },
      trace: { headers: {} },
      token: "token",
      connectionParams: { tenant: "t" },
      subject: { id: "user:1", kind: "user", displayName: "One", authSource: "oidc" },
      agentSubject: { id: "user:2", kind: "user", displayName: "Two", authSource: "oidc" },
      externalIdentity: { type: "chat", id: "c1" },
      agentExternalIdentity: { type: "chat", id: "c2" },
      credential: { mode: "user", subjectId: "user:1", connection: "main", instance: "i" },
      access: { policy: "p", role: "admin" },
      workflow: { run: "r" },
      host: { publicBaseUrl: "https://gestalt.example" },
      invocationId: "invocation",
      invocationToken: "invocation-token",
      idempotencyKey: "key",
    });
  });

  test("what gestaltd leaves out is undefined or empty", async () => {
    const [, body] = await execute("request");
    const { input, request } = body as { input: unknown; request: Record<string, unknown> };
    assert.deepEqual(input, {});
    assert.deepEqual([request.subject, request.workflow, request.deadline], [undefined, undefined, undefined]);
    assert.deepEqual([request.token, request.host, request.connectionParams], ["", { publicBaseUrl: "" }, {}]);
    assert.deepEqual(await execute("tenant"), [400, { error: 'the connection has no parameter "tenant"' }]);
  });

  test("responses go out as given, undefined is null", async () => {
    assert.deepEqual(await execute("nothing"), [200, null]);
    assert.deepEqual(await execute("ok"), [200, { as: "given" }]);
    assert.deepEqual(await execute("created"), [201, { id: 1 }]);
    assert.deepEqual(await execute("thrown", { status: 409, body: { error: "taken" } }), [409, { error: "taken" }]);
    assert.deepEqual(await execute("thrown", { status: 418 }), [418, null]);
  });

  test("a status is always one that HTTP knows", async () => {
    for (const status of [100, 999]) assert.deepEqual(await execute("status", { status }), [status, { status }]);
    for (const status of [0, 99, 1000, -1, 200.5]) {
      assert.deepEqual(await execute("status", { status }), [500, { error: "internal error" }]);
      assert.deepEqual(await execute("thrown", { status }), [500, { error: "internal error" }]);
    }
  });

  test("what goes wrong inside is 500 without internals, and logged", async () => {
    for (const operation of ["crash", "wrong-output", "unsendable"]) {
      assert.deepEqual(await execute(operation), [500, { error: "internal error" }], operation);
      for (let attempts = 0; !log.some((line) => line.includes(`operation ${operation} failed`)); attempts++) {
        assert.ok(attempts < 1000, `${operation} was not logged`);
        await full.getMetadata({});
      }
    }
    assert.deepEqual(await execute("throws-in-schema", { id: "x" }), [500, { error: "internal error" }]);
    const [status, body] = await execute("huge");
    assert.equal(status, 500);
    assert.match((body as { error: string }).error, /over the limit of 4 MiB/);
  });

  test("a plugin that cannot be configured answers a result, not a bare error", async () => {
    const unprepared = [500, { error: "the plugin could not be prepared for this call" }];
    assert.deepEqual(await execute("nothing", {}, { sid: "fails", config: { fail: true } }), unprepared);
    assert.deepEqual(await execute("nothing", {}, { sid: "unconfigured", config: undefined }), unprepared);
    const start = worker.client(IntegrationProvider, { sid: "fails", config: { fail: true } });
    assert.equal(await code(start.startProvider({ protocolVersion: 3 })), Code.Internal);
  });

  test("a deadline that passes is a 504 result, whether the handler heeds it or not", async () => {
    for (const operation of ["hang", "deaf"]) {
      const answer = await worker.fetch("/gestalt.provider.v1.IntegrationProvider/Execute", {
        method: "POST",
        headers: {
          authorization: `Bearer ${await worker.token()}`,
          "content-type": "application/json",
          "connect-timeout-ms": "30",
        },
        body: JSON.stringify({ operation }),
      });
      assert.deepEqual(await answer.json(), { status: 504, body: '{"error":"operation timed out"}' });
    }
  });

  test("the session catalog depends on the caller, and its operations can be called", async () => {
    const ids = async (tenant: string) => {
      const { catalog } = await full.getSessionCatalog({ connectionParams: { tenant } });
      return catalog?.operations.map(({ id, title }) => [id, title]);
    };
    assert.deepEqual(await ids(""), []);
    assert.deepEqual(await ids("acme"), [
      ["tenant.secret", "For acme"],
      ["things.find", "Find for acme"],
    ]);
    const call = { operation: "tenant.secret", connectionParams: { tenant: "acme" } };
    assert.equal((await full.execute(call)).body, '{"tenant":"acme"}');
    assert.equal((await full.execute({ operation: "tenant.secret" })).status, 404);
    assert.equal(await code(full.getSessionCatalog({ connectionParams: { tenant: "down" } })), Code.Internal);
    assert.equal(await code(full.getSessionCatalog({ connectionParams: { tenant: "redefines" } })), Code.Internal);
  });

  test("PostConnect hands over the credential and returns what to store", async () => {
    const expiresAt = timestampFromDate(new Date("2030-01-02T03:04:05Z"));
    const { metadata } = await full.postConnect({ token: { accessToken: "at", scopes: "a b", expiresAt } });
    assert.deepEqual(metadata, { owner: "test:at:a b", expires: "2030-01-02T03:04:05.000Z" });
    assert.equal((await full.postConnect({ token: {} })).metadata.expires, "never");
    assert.equal(await code(full.postConnect({})), Code.InvalidArgument);
  });

  test("an HTTP subject is resolved, left alone or refused", async () => {
    const { subject, rejectStatus } = await full.resolveHTTPSubject({
      request: {
        binding: "hook",
        query: { a: { values: ["1", "2"] } },
        rawBody: new TextEncoder().encode("raw"),
        params: { p: "param" },
        verifiedSubject: "user:7",
      },
      context: { externalIdentity: { type: "chat", id: "c" }, host: { publicBaseUrl: "https://g.example" } },
    });
    assert.deepEqual([subject?.id, rejectStatus], ["user:7", 0]);
    assert.equal(subject?.displayName, "hook|1,2|raw|param|c|https://g.example");
    assert.equal((await full.resolveHTTPSubject({})).subject, undefined);
    const header = (name: string) => full.resolveHTTPSubject({ request: { headers: { [name]: { values: [""] } } } });
    const { rejectStatus: status, rejectMessage } = await header("X-Reject");
    assert.deepEqual([status, rejectMessage], [403, "not you"]);
    assert.equal(await code(header("X-Crash")), Code.Internal);
  });
});
