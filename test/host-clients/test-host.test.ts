// testHost and request(): authors' unit tests, with no worker and no gestaltd.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { HostServiceMissingError, NotFoundError } from "../../src/worker/host/errors.ts";
import { testHost } from "../../src/worker/host/test-host.ts";
import type { PluginRequest } from "../../src/worker/plugin/plugin-request.ts";
import { request } from "../../src/worker/plugin/request-factory.ts";

/** What an author's handler might look like. */
async function greet({ name }: { readonly name: string }, { host }: PluginRequest<unknown, "cache" | "plugins">) {
  const known = await host.cache().get(name);
  if (known !== undefined) return new TextDecoder().decode(known);
  const { status } = await host.plugins.invoke("people", "find", { name });
  if (status === 404) return "Who?";
  await host.cache().set(name, `Hello, ${name}`, { ttlMs: 60_000 });
  return `Hello, ${name}`;
}

suite("testHost", () => {
  const cache = (stored = new Map<string, Uint8Array>()) => ({
    get: ({ key }: { readonly key: string }) => ({
      found: stored.has(key),
      value: stored.get(key) ?? new Uint8Array(),
    }),
    set({ key, value }: { readonly key: string; readonly value: Uint8Array }) {
      stored.set(key, value);
      return {};
    },
  });

  test("gives a handler the real clients over the test's functions", async () => {
    const asked: unknown[] = [];
    const stored = new Map<string, Uint8Array>();
    const host = await testHost(
      {
        cache: cache(stored),
        plugins: {
          invoke({ params, invocationToken }) {
            asked.push(params?.name, invocationToken);
            return { status: params?.name === "Ada" ? 200 : 404 };
          },
        },
      },
      { invocationToken: "token" },
    );
    assert.equal(await greet({ name: "Bo" }, request({ host })), "Who?");
    assert.equal(await greet({ name: "Ada" }, request({ host })), "Hello, Ada");
    assert.equal(await greet({ name: "Ada" }, request({ host })), "Hello, Ada");
    assert.deepEqual(asked, ["Bo", "token", "Ada", "token"]);
    assert.deepEqual([...stored.keys()], ["Ada"]);
  });

  test("has what it is given and nothing else", async () => {
    const host = await testHost({ cache: cache() });
    assert.deepEqual(Object.keys(host), ["cache"]);
    assert.equal("s3" in host, false);
    const made = request({ host });
    assert.deepEqual(["cache" in made.host, made.host.publicBaseUrl], [true, ""]);
    assert.throws(() => host.cache("main"), HostServiceMissingError);
  });

  test("has bindings, each its own", async () => {
    const host = await testHost({ "cache:main": cache(), "cache:other": cache() });
    await host.cache("main").set("k", "v");
    assert.equal(await host.cache("other").get("k"), undefined);
    assert.equal((await host.cache("main").get("k"))?.byteLength, 1);
    assert.throws(() => host.cache(), /one must be named; gestaltd offers MAIN, OTHER/);
  });

  test("takes any transport", async () => {
    const transport = createRouterTransport((router) => router.service(Cache, cache()));
    const host = await testHost({ cache: transport });
    await host.cache().set("k", "v");
    assert.equal((await host.cache().get("k"))?.byteLength, 1);
  });

  test("errors are those of gestaltd; what is not given is unimplemented", async () => {
    const host = await testHost({
      cache: {},
      runtimeLogs: {
        appendLogs() {
          throw new ConnectError("no such session", Code.NotFound);
        },
      },
    });
    await assert.rejects(host.cache().get("k"), { name: "HostServiceError", code: Code.Unimplemented });
    await assert.rejects(host.runtimeLogs.append("x", { sessionId: "s" }), NotFoundError);
    await assert.rejects(host.runtimeLogs.append("x"), /GESTALT_RUNTIME_SESSION_ID/);
  });

  test("messages over gestaltd's limit are refused, in both directions", async () => {
    const key = "k".repeat(MAX_MESSAGE_BYTES);
    const asked: string[] = [];
    const host = await testHost({
      cache: {
        get(request) {
          asked.push(request.key);
          return { found: true, value: new Uint8Array(request.key === "fits" ? MAX_MESSAGE_BYTES - 16 : key.length) };
        },
      },
    });
    assert.equal((await host.cache().get("fits"))?.byteLength, MAX_MESSAGE_BYTES - 16);
    await assert.rejects(host.cache().get(key), { name: "HostServiceError", code: Code.ResourceExhausted });
    await assert.rejects(host.cache().get("large"), { name: "HostServiceError", code: Code.ResourceExhausted });
    assert.deepEqual(asked, ["fits", "large"]);
  });

  test("its signal and deadline end calls", async () => {
    const never = { get: () => new Promise<never>(() => undefined) };
    const aborted = await testHost({ cache: never }, { signal: AbortSignal.abort() });
    await assert.rejects(aborted.cache().get("k"), { code: Code.Canceled });
    const late = await testHost({ cache: never }, { deadline: Date.now() + 10 });
    await assert.rejects(late.cache().get("k"), { code: Code.DeadlineExceeded });
  });

  test("a name that is no host service is refused", async () => {
    await assert.rejects(testHost({ redis: {} } as never), /"redis" is no host service; there are cache, s3/);
  });
});
