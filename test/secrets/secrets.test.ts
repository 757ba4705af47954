// Secrets over HTTP in workerd: which may be read, how the rest is refused, and that no value gets anywhere else.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { SecretsProvider } from "../../src/gen/gestalt/provider/v1/secrets_pb.ts";
import { allowedBindings } from "../../src/providers/secrets-bindings/allowed-bindings.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

type Provider = "prefixed" | "listed" | "both" | "authored";

const SECRETS = {
  SECRET_TOKEN: "token value",
  SECRET_EMPTY: "",
  SECRET_prod_TOKEN: "production token",
  STRIPE_KEY: "sk_live_1",
  DATABASE: "postgres://…",
  OTHER: "not to be read",
  GESTALT_EDGE_PRESIGN_SECRET: "signs URLs",
};

describe("secrets", () => {
  let worker: TestWorker;
  let sessions = 0;
  const log: string[] = [];

  before(async () => {
    worker = await startWorker({
      entry: new URL("./secrets.worker.ts", import.meta.url),
      vars: SECRETS,
      kvNamespaces: ["KV"],
      secretsStoreSecrets: {
        STORE_SECRET: { store_id: "store", secret_name: "stored" },
        SECRET_STORED: { store_id: "store", secret_name: "stored" },
        SECRET_ABSENT: { store_id: "store", secret_name: "absent" },
      },
      onLog: (line) => log.push(line),
    });
    const admin = await worker.miniflare.getSecretsStoreSecretAPI("STORE_SECRET");
    await admin().create("from the store");
  });
  after(() => worker?.dispose());

  const client = (provider: Provider, config: JsonObject = {}): Client<typeof SecretsProvider> =>
    worker.client(SecretsProvider, { provider, config, sid: `session-${sessions++}` });
  const read = async (provider: Provider, name: string, config?: JsonObject) =>
    (await client(provider, config).getSecret({ name })).value;
  const refused = (promise: Promise<unknown>, code: Code, text: RegExp) =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof ConnectError, String(error));
      assert.equal(Code[error.code], Code[code], error.message);
      assert.match(error.rawMessage, text);
      for (const value of Object.values(SECRETS)) assert.ok(value === "" || !error.message.includes(value));
      return true;
    });
  const warnings = async (provider: Provider, config: JsonObject = {}) =>
    (await worker.client(ProviderLifecycle, { provider, config, sid: `session-${sessions++}` }).getProviderIdentity({}))
      .warnings;

  describe("of bindings with a prefix", () => {
    it("are read by the rest of the name, from Worker secrets and from a Secrets Store", async () => {
      assert.equal(await read("prefixed", "TOKEN"), "token value");
      assert.equal(await read("prefixed", "STORED"), "from the store");
    });

    it("are missing by name", async () => {
      await refused(read("prefixed", "NOPE"), Code.NotFound, /no secret "NOPE": the worker has no binding SECRET_NOPE/);
      await refused(read("prefixed", "STRIPE_KEY"), Code.NotFound, /no binding SECRET_STRIPE_KEY/);
      await refused(read("prefixed", "EMPTY"), Code.NotFound, /no secret "EMPTY"/);
      await refused(read("prefixed", "ABSENT"), Code.NotFound, /no secret "ABSENT"/);
      for (const name of ["constructor", "__proto__", "../OTHER", "token", "'; DROP", "\u{1f600}"]) {
        await refused(read("prefixed", name), Code.NotFound, /There is no secret/);
      }
    });
  });

  describe("of an explicit list", () => {
    it("are read by the names they have there, and by no others", async () => {
      assert.equal(await read("listed", "stripe/key"), "sk_live_1");
      assert.equal(await read("listed", "store"), "from the store");
      await refused(read("listed", "STRIPE_KEY"), Code.NotFound, /"STRIPE_KEY": it is not among those/);
      await refused(read("listed", "SECRET_TOKEN"), Code.NotFound, /not among those/);
      await refused(read("listed", "OTHER"), Code.NotFound, /not among those/);
      await refused(read("listed", "gone"), Code.NotFound, /no binding NOWHERE/);
      await refused(read("listed", "toString"), Code.NotFound, /not among those/);
    });

    it("may stand beside a prefix", async () => {
      assert.equal(await read("both", "STRIPE_KEY"), "sk_live_1");
      assert.equal(await read("both", "TOKEN"), "token value");
      await refused(read("both", "OTHER"), Code.NotFound, /SECRET_OTHER/);
    });

    it("are told from what is no secret", async () => {
      await refused(read("listed", "kv"), Code.FailedPrecondition, /binding KV is neither a secret nor/);
      await refused(read("listed", "json"), Code.FailedPrecondition, /binding JSON_VARIABLE is neither/);
    });

    it("are warned of when the worker lacks them", async () => {
      const lacks = (name: string, binding: string) => `The worker has no binding ${binding} for the secret "${name}".`;
      assert.deepEqual(await warnings("listed"), [lacks("gone", "NOWHERE"), lacks("objects", "OBJECTS")]);
      const allow = ["stripe/key", "gone", "never"];
      const foreign = 'The secret "never" is not among those the worker\'s code allows.';
      assert.deepEqual(await warnings("listed", { allow }), [lacks("gone", "NOWHERE"), foreign]);
      assert.deepEqual(await warnings("listed", { prefix: "stripe/" }), []);
      assert.deepEqual(await warnings("prefixed"), []);
    });
  });

  it("of gestalt-edge itself are nobody's", async () => {
    const { of } = allowedBindings({ prefix: "GESTALT_" });
    assert.deepEqual([of("X"), of("EDGE_PRESIGN_SECRET")], ["GESTALT_X", undefined]);
    assert.throws(
      () => allowedBindings({ allow: { a: "GESTALT_EDGE_PRESIGN_SECRET" } }),
      /belongs to gestalt-edge itself/,
    );
    assert.throws(() => allowedBindings({ allow: ["GESTALT_EDGE_JWKS"] }), /no secret to serve/);
    assert.throws(() => allowedBindings({ prefix: "" }), /every binding/);
  });

  describe("and a session's config", () => {
    it("narrow what may be read, and cannot widen it", async () => {
      assert.equal(await read("both", "STRIPE_KEY", { allow: ["STRIPE_KEY"] }), "sk_live_1");
      await refused(read("both", "TOKEN", { allow: ["STRIPE_KEY"] }), Code.NotFound, /not among those/);
      await refused(read("listed", "OTHER", { allow: ["OTHER"] }), Code.NotFound, /not among those/);
      await refused(read("both", "STRIPE_KEY", { allow: [] }), Code.NotFound, /not among those/);
    });

    it("put a prefix before each name", async () => {
      assert.equal(await read("prefixed", "TOKEN", { prefix: "prod_" }), "production token");
      assert.equal(await read("listed", "db", { prefix: "prod-", allow: ["db"] }), "postgres://…");
    });

    it("are refused with what is wrong", async () => {
      const bad: [JsonObject, RegExp][] = [
        [{ allow: "TOKEN" }, /allow.*must be a list of names/],
        [{ allow: [""] }, /allow.*must be the name of a secret/],
        [{ prefix: 7 }, /prefix.*must be text/],
        [{ secrets: {} }, /unknown key secrets; known are allow, prefix/],
      ];
      for (const [config, text] of bad) await refused(read("prefixed", "TOKEN", config), Code.InvalidArgument, text);
    });
  });

  describe("of a Secrets Store that fails", () => {
    const failures = async (times: number, message = "the store is down") => {
      const body = JSON.stringify({ times, message });
      return (await worker.fetch("/test/failures", { method: "POST", body })).json();
    };

    it("are tried again", async () => {
      await failures(3);
      assert.equal(await read("prefixed", "FLAKY"), "at last");
      assert.deepEqual(await failures(0), { pauses: [25, 50, 100], gets: 4 });
    });

    it("are UNAVAILABLE in the end, or NOT_FOUND at once", async () => {
      await failures(100);
      await refused(
        read("prefixed", "FLAKY"),
        Code.Unavailable,
        /did not answer for the worker's binding SECRET_FLAKY/,
      );
      await failures(1, 'Secret "x" not found');
      await refused(read("prefixed", "FLAKY"), Code.NotFound, /no secret "FLAKY"/);
      assert.deepEqual(await failures(0), { pauses: [], gets: 1 });
    });
  });

  describe("of an author", () => {
    it("are text, or missing", async () => {
      assert.equal(await read("authored", "one"), "1");
      for (const name of ["null", "empty", "undefined"]) {
        await refused(read("authored", name), Code.NotFound, new RegExp(`^There is no secret "${name}"\\.$`));
      }
      await refused(read("authored", "number"), Code.Internal, /for the secret "number" with no text/);
      await refused(read("authored", "half"), Code.Internal, /for the secret "half" with no text/);
    });

    it("may be refused in the author's words", async () => {
      await refused(read("authored", "refused"), Code.PermissionDenied, /^not for you$/);
    });

    it("fail with a place in the log, and without the text", async () => {
      await refused(read("authored", "thrown"), Code.Internal, /"thrown" could not be read/);
      const line = JSON.parse(log.findLast((one) => one.includes('"thrown"')) ?? "{}");
      assert.deepEqual([line.level, line.secret, line.error], ["error", "thrown", "TypeError"]);
      assert.match(line.at[0], /^at .*getSecret .*:\d+:\d+\)$/);
      await refused(read("authored", "thrown text"), Code.Internal, /could not be read/);
    });
  });

  it("have names of a sane length", async () => {
    await refused(read("prefixed", ""), Code.InvalidArgument, /names no secret/);
    await refused(read("prefixed", "x".repeat(513)), Code.InvalidArgument, /513 characters; at most 512/);
    await refused(read("prefixed", "x".repeat(512)), Code.NotFound, /no secret "x{200}…"|no secret "x{512}"/);
  });

  it("are kept by no cache on the way", async () => {
    const token = await worker.token({ provider: "prefixed" });
    const path = `/${SecretsProvider.typeName}/GetSecret`;
    const query = `encoding=json&message=${encodeURIComponent('{"name":"TOKEN"}')}&connect=v1`;
    const headers = { authorization: `Bearer ${token}` };
    const got = await worker.fetch(`${path}?${query}`, { headers });
    assert.deepEqual([got.status, await got.json()], [200, { value: "token value" }]);
    assert.equal(got.headers.get("cache-control"), "no-store");
    const missing = await worker.fetch(path, {
      ...{ method: "POST", body: '{"name":"NOPE"}', headers: { ...headers, "content-type": "application/json" } },
    });
    assert.deepEqual([missing.status, missing.headers.get("cache-control")], [404, "no-store"]);
  });

  it("cannot be listed, and stand in no log", () => {
    assert.deepEqual(
      SecretsProvider.methods.map(({ name }) => name),
      ["GetSecret"],
    );
    const values = [...Object.values(SECRETS).filter(Boolean), "from the store", "s3cr3t-value"];
    for (const value of values) assert.ok(!log.some((line) => line.includes(value)), value);
  });
});
