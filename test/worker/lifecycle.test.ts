// The lifecycle of providers and sessions: handshake, hooks, description, end; and the line logged for each call.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { WorkerService } from "../../src/gen/gestalt/edge/v1/edge_pb.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { CALL_LOG_BINDING, DIGEST_BINDING } from "../../src/wire/bindings.ts";
import { startWorker, type TestWorker, type TokenClaims, WORKER_NAME } from "../support/worker-harness.ts";

const entry = new URL("./probe.worker.ts", import.meta.url);
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

suite("lifecycle", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  const log: string[] = [];

  before(async () => {
    worker = await startWorker({
      entry,
      provider: "hooked",
      vars: { [DIGEST_BINDING]: DIGEST, [CALL_LOG_BINDING]: "1" },
      onLog: (line) => log.push(line),
    });
  });
  after(() => worker.dispose());

  const lifecycle = (claims: TokenClaims) => worker.client(ProviderLifecycle, claims);
  const cache = (claims: TokenClaims) => worker.client(Cache, claims);
  const textOf = ({ value }: { value: Uint8Array }) => JSON.parse(new TextDecoder().decode(value));
  const count = async (name: string) => textOf(await cache({ provider: "probe" }).get({ key: `count:${name}` }));

  async function refused(promise: Promise<unknown>, code: Code, message: RegExp): Promise<void> {
    await assert.rejects(promise, (error: unknown) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, code);
      assert.match(error.rawMessage, message);
      return true;
    });
  }

  test("the handshake of gestaltd: identity, configure, identity with warnings", async () => {
    const session = { sid: "handshake", name: "handshake" };
    const unconfigured = await lifecycle({ ...session, config: undefined }).getProviderIdentity({});
    assert.deepEqual(
      [unconfigured.kind, unconfigured.name, unconfigured.displayName, unconfigured.version, unconfigured.warnings],
      [ProviderKind.CACHE, "hooked", "Hooked", "1.2.3", []],
    );
    assert.deepEqual([unconfigured.minProtocolVersion, unconfigured.maxProtocolVersion], [3, 3]);
    assert.equal(await count("configure handshake"), 0, "no hook runs before there is a config");
    const configured = lifecycle({ ...session, rev: 1 });
    const { protocolVersion } = await configured.configureProvider({ name: "cache", protocolVersion: 3 });
    assert.equal(protocolVersion, 3);
    assert.deepEqual((await configured.getProviderIdentity({})).warnings, ["careful with handshake"]);
    assert.equal((await configured.startProvider({})).protocolVersion, 3);
    assert.deepEqual([await count("configure handshake"), await count("start handshake")], [1, 1]);
  });

  test("a session that may reach certain hosts only is refused where nothing keeps it to them", async () => {
    const policies = [
      { allow: ["api.example"], default: "deny" },
      { allow: [], default: "deny" },
      { allow: ["api.example"], default: "allow" },
    ] as const;
    for (const egress of policies) {
      const asked = cache({ sid: "restricted", name: "restricted", provider: "probe", egress }).get({ key: "any" });
      await refused(asked, Code.FailedPrecondition, /^'restricted' may reach certain hosts only, and nothing enforces/);
    }
    const free = { allow: [], default: "allow" } as const;
    await cache({ sid: "free", provider: "probe", egress: free }).get({ key: "count:any" });
  });

  test("hooks run once per session and revision, whichever tokens and however many calls it has", async () => {
    const ask = (rev: number, exp: number) => cache({ sid: "once", name: "once", rev, exp }).get({ key: "echo:x" });
    const soon = Math.floor(Date.now() / 1000) + 100;
    await Promise.all(Array.from({ length: 20 }, (_, index) => ask(0, soon + (index % 5))));
    assert.deepEqual([await count("configure once"), await count("start once")], [1, 1]);
    await ask(1, soon);
    await ask(1, soon + 1);
    assert.deepEqual([await count("configure once"), await count("start once")], [2, 2]);
  });

  test("an isolate remembers a bounded number of sessions; a forgotten one runs its hooks again", async () => {
    const oldest = { sid: "oldest", name: "oldest" };
    await cache(oldest).get({ key: "echo:x" });
    for (let session = 0; session < 300; session++) {
      await cache({ sid: `crowd-${session}`, name: "crowd" }).get({ key: "echo:x" });
    }
    await cache({ ...oldest, exp: Math.floor(Date.now() / 1000) + 50 }).get({ key: "echo:x" });
    assert.deepEqual([await count("configure crowd"), await count("configure oldest")], [300, 2]);
  });

  test("a hook that fails is INTERNAL without its text, is not remembered, and keeps `start` from running", async () => {
    const session = { sid: "broken", name: "broken", config: { mode: "broken" } };
    for (let attempt = 1; attempt <= 2; attempt++) {
      await refused(
        cache(session).get({ key: "echo:x" }),
        Code.Internal,
        /^provider 'hooked' failed in its configure hook/,
      );
      assert.deepEqual([await count("configure broken"), await count("start broken")], [attempt, 0]);
    }
    assert.ok(log.some((line) => line.includes("a secret")));
  });

  test("config that does not fit its schema is INVALID_ARGUMENT with the path of each fault", async () => {
    const session = { sid: "wrong", config: { mode: "worse", limits: { max: "many" } } };
    const faults = /config of provider 'hooked' is not valid: mode: .*; limits\.max: /;
    await refused(lifecycle(session).configureProvider({ protocolVersion: 3 }), Code.InvalidArgument, faults);
    await refused(cache(session).get({ key: "echo:x" }), Code.InvalidArgument, faults);
  });

  test("handlers get the config as the schema made it, and the session's variables", async () => {
    const session = { sid: "parsed", name: "parsed", config: { extra: 1 }, vars: { A: "b" } };
    assert.deepEqual(textOf(await cache(session).get({ key: "request:" })), {
      name: "parsed",
      config: { mode: "good" },
      env: { A: "b" },
    });
  });

  test("a session without config is FAILED_PRECONDITION, another protocol version too", async () => {
    const session = { sid: "none", config: undefined };
    await refused(cache(session).get({ key: "echo:x" }), Code.FailedPrecondition, /no config yet/);
    await refused(lifecycle(session).configureProvider({ protocolVersion: 3 }), Code.FailedPrecondition, /no config/);
    await refused(lifecycle({}).configureProvider({ protocolVersion: 4 }), Code.FailedPrecondition, /version 4/);
  });

  test("the health check is the provider's, and not ready without config", async () => {
    const check = async (claims: TokenClaims) => {
      const { ready, message } = await lifecycle(claims).healthCheck({});
      return [ready, message];
    };
    assert.deepEqual(await check({ sid: "well", name: "well" }), [true, "well"]);
    assert.deepEqual(await check({ sid: "ill", name: "ill" }), [false, "ill"]);
    assert.deepEqual(await check({ sid: "new", config: undefined }), [false, "not configured yet"]);
    assert.deepEqual(await check({ sid: "plain", provider: "probe" }), [true, ""]);
  });

  test("closing a session runs its hook, and one that comes back is configured anew", async () => {
    const session = { sid: "closing", name: "closing" };
    // Another token than the calls have: bridges renew theirs, and the last one may have carried no call.
    const { closeSession } = worker.client(WorkerService, { ...session, exp: Math.floor(Date.now() / 1000) + 100 });
    await closeSession({});
    assert.equal(await count("close closing"), 0, "this isolate did not know it");
    await cache(session).get({ key: "echo:x" });
    await closeSession({});
    await closeSession({});
    assert.equal(await count("close closing"), 1);
    await cache(session).get({ key: "echo:x" });
    assert.equal(await count("configure closing"), 2);
  });

  test("Describe says what is deployed", async () => {
    const description = await worker.client(WorkerService, { config: undefined }).describe({});
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    assert.deepEqual([description.worker, description.digest, description.version], [WORKER_NAME, DIGEST, version]);
    assert.deepEqual(
      description.providers.map(({ name, kind }) => [name, kind]),
      [
        ["hooked", ProviderKind.CACHE],
        ["probe", ProviderKind.CACHE],
        ["sealed", ProviderKind.SECRETS],
      ],
    );
    const [hooked, probe] = description.providers;
    assert.equal(JSON.parse(hooked?.configSchema ?? "").properties.mode.default, "good");
    assert.equal(probe?.configSchema, "");
  });

  test("each call is logged in one line when the operator wants it", async () => {
    await cache({ provider: "probe", name: "logged" }).get({ key: "echo:x" });
    await cache({ provider: "probe", name: "logged" })
      .get({ key: "code:5" })
      .catch(() => undefined);
    const lines = () =>
      log
        .filter((line) => line.includes('"session":"logged"') && line.includes('"call"'))
        .map((line) => JSON.parse(line));
    for (let attempts = 0; lines().length < 2 && attempts < 1000; attempts++) await count("nothing");
    assert.deepEqual(
      lines().map(({ message, call, provider, status, ms }) => [message, call, provider, status, typeof ms]),
      [
        ["call", "Cache/Get", "probe", 200, "number"],
        ["call", "Cache/Get", "probe", 404, "number"],
      ],
    );
  });
});
