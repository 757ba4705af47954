// Session tokens: who gets in, and what each of them sees.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { SignJWT, UnsecuredJWT } from "jose";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { JWKS_BINDING, NAME_BINDING } from "../../src/wire/bindings.ts";
import { CLOCK_TOLERANCE_SECONDS, MAX_TOKEN_LIFETIME_SECONDS } from "../../src/wire/limits.ts";
import { SESSION_REFUSED_HEADER } from "../../src/wire/routes.ts";
import {
  answerToHead,
  createSigningKey,
  jwks,
  type SigningKey,
  sessionClaims,
  signToken,
  startWorker,
  type TestWorker,
} from "../support/worker-harness.ts";

const entry = new URL("./probe.worker.ts", import.meta.url);
const now = () => Math.floor(Date.now() / 1000);

suite("session tokens", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  let first: SigningKey;
  let second: SigningKey;

  before(async () => {
    first = await createSigningKey("first");
    second = await createSigningKey("second");
    worker = await startWorker({ entry, vars: { [JWKS_BINDING]: jwks(first, second) } });
  });
  after(() => worker.dispose());

  const claims = (overrides: object = {}) => sessionClaims({ provider: "probe", ...overrides });

  function call(authorization: string | undefined): Promise<Response> {
    const headers = new Headers({ "content-type": "application/json" });
    if (authorization !== undefined) headers.set("authorization", authorization);
    return worker.fetch("/gestalt.provider.v1.Cache/Get", { method: "POST", headers, body: '{"key":"echo:hi"}' });
  }

  async function assertRefused(token: string, reason: RegExp): Promise<void> {
    const answer = await call(`Bearer ${token}`);
    assert.equal(answer.status, 401);
    assert.ok(answer.headers.has(SESSION_REFUSED_HEADER), "a bridge must tell it from a provider's");
    const body = await answer.text();
    const { code, message } = JSON.parse(body);
    assert.equal(code, "unauthenticated");
    assert.match(message, reason);
    for (const part of token.split(".").filter((piece) => piece.length > 8)) assert.ok(!body.includes(part));
  }

  test("a good one gets in, and so does the one of the other live key", async () => {
    for (const key of [first, second]) {
      assert.equal((await call(`Bearer ${await signToken(key, claims())}`)).status, 200);
    }
  });

  test("a missing one is refused, and the answer says how to send one", async () => {
    const answer = await call(undefined);
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    assert.match(await answer.text(), /no session token/);
  });

  test("what is no token is refused", async () => {
    await assertRefused("nonsense", /not a signed token/);
    await assertRefused("aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc", /not a signed token/);
    assert.equal((await call(`Basic ${await signToken(first, claims())}`)).status, 401);
  });

  test("an expired one is refused, within the tolerance for clocks it is not", async () => {
    const expired = { iat: now() - 600, nbf: now() - 600, exp: now() - CLOCK_TOLERANCE_SECONDS - 2 };
    await assertRefused(await signToken(first, claims(expired)), /expired/);
    const barely = { ...expired, exp: now() - CLOCK_TOLERANCE_SECONDS / 2 };
    assert.equal((await call(`Bearer ${await signToken(first, claims(barely))}`)).status, 200);
  });

  test("one that was good is refused once it has expired, although it was verified before", async () => {
    const exp = now() - CLOCK_TOLERANCE_SECONDS + 2;
    const token = await signToken(first, claims({ iat: exp - 60, nbf: exp - 60, exp }));
    assert.equal((await call(`Bearer ${token}`)).status, 200);
    while (now() < exp + CLOCK_TOLERANCE_SECONDS && (await call(`Bearer ${token}`)).status === 200);
    await assertRefused(token, /expired/);
  });

  test("one that is not valid yet is refused", async () => {
    await assertRefused(await signToken(first, claims({ nbf: now() + 120 })), /not valid yet/);
  });

  test("one that is valid for years is refused, however its times are put", async () => {
    const year = 365 * 24 * 3600;
    for (const times of [
      { exp: now() + year },
      { iat: now() + year, exp: now() + year + 300 },
      { nbf: now() - year, exp: now() + 300 },
      { iat: now() - year, nbf: now(), exp: now() + 300 },
    ]) {
      await assertRefused(await signToken(first, claims(times)), /longer than an hour/);
    }
    const longest = { iat: now(), nbf: now(), exp: now() + MAX_TOKEN_LIFETIME_SECONDS };
    assert.equal((await call(`Bearer ${await signToken(first, claims(longest))}`)).status, 200);
  });

  test("one for another worker or of another issuer is refused", async () => {
    await assertRefused(await signToken(first, claims({ aud: "other-worker" })), /another worker/);
    await assertRefused(await signToken(first, claims({ iss: "somebody" })), /issued by/);
  });

  test("one for a provider that is not served is refused, also one named like a property of objects", async () => {
    for (const provider of ["nobody", "constructor", "__proto__"]) {
      await assertRefused(await signToken(first, claims({ provider })), /provider that this worker does not serve/);
    }
  });

  test("one of a strange key is refused, also under the id of a known one", async () => {
    await assertRefused(await signToken(await createSigningKey("third"), claims()), /key this worker does not trust/);
    await assertRefused(await signToken(await createSigningKey("first"), claims()), /signature/);
  });

  test("an altered one is refused", async () => {
    const [head, payload, signature = ""] = (await signToken(first, claims())).split(".");
    const altered = Buffer.from(JSON.stringify(claims({ sid: "somebody-else" }))).toString("base64url");
    await assertRefused([head, altered, signature].join("."), /signature/);
    // The first character, since the last byte of an Ed25519 signature is 0 once in sixteen.
    const forged = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    await assertRefused([head, payload, forged].join("."), /signature/);
  });

  test("unsigned ones and those with a shared secret are refused", async () => {
    const unsigned = new UnsecuredJWT(claims()).encode();
    await assertRefused(unsigned, /algorithm|not a signed token/);
    const secret = new TextEncoder().encode(JSON.stringify(first.jwk));
    const shared = await new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "first" }).sign(secret);
    await assertRefused(shared, /algorithm/);
  });

  test("one that lacks claims is refused", async () => {
    for (const missing of ["exp", "nbf", "iat", "sid", "rev", "provider", "name"]) {
      await assertRefused(await signToken(first, claims({ [missing]: undefined })), /lacks claims/);
    }
    for (const wrong of [{ rev: -1 }, { rev: 0.5 }, { rev: "0" }, { sid: "" }, { config: [] }, { config: null }]) {
      await assertRefused(await signToken(first, claims(wrong)), /lacks claims/);
    }
    for (const wrong of [{ vars: { A: 1 } }, { vars: ["A"] }, { hosts: "A" }, { hosts: [1] }, { egress: {} }]) {
      await assertRefused(await signToken(first, claims(wrong)), /lacks claims/);
    }
    const odd = { egress: { allow: [], default: "perhaps" } };
    await assertRefused(await signToken(first, claims(odd)), /lacks claims/);
  });

  test("the answer comes before the body has been sent", async () => {
    const head = [
      "POST /gestalt.provider.v1.Cache/Get HTTP/1.1",
      "host: worker",
      "content-type: application/proto",
      "content-length: 1000000",
    ];
    assert.match(await answerToHead(worker.url, head), /^HTTP\/1.1 401 /);
  });

  test("two sessions on one isolate never see each other's config, variables or name", async () => {
    const sessions = Array.from({ length: 8 }, (_, index) => ({
      sid: `isolated-${index}`,
      name: `name-${index}`,
      config: { mine: index },
      vars: { MINE: String(index) },
    }));
    const rounds = Array.from({ length: 5 }, () => sessions).flat();
    await Promise.all(
      rounds.map(async ({ sid, name, config, vars }) => {
        const token = await signToken(second, claims({ sid, name, config, vars }));
        const answer = await worker.fetch("/gestalt.provider.v1.Cache/Get", {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: '{"key":"request:"}',
        });
        const { value } = (await answer.json()) as { value: string };
        assert.deepEqual(JSON.parse(Buffer.from(value, "base64").toString()), { name, config, env: vars });
      }),
    );
  });

  test("a handler never sees the token, and cannot change the session that later calls get", async () => {
    const token = await signToken(first, claims({ config: { deep: { er: 1 } } }));
    const ask = async (key: string) => {
      const answer = await worker.fetch("/gestalt.provider.v1.Cache/Get", {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ key }),
      });
      const { value } = (await answer.json()) as { value: string };
      return Buffer.from(value, "base64").toString();
    };
    for (const key of ["headers:", "session:"]) {
      const seen = await ask(key);
      assert.ok(!seen.includes("authorization") && !seen.includes(token.slice(-20)));
    }
    assert.equal(await ask("frozen:"), "true");
  });

  test("the health probe is the only public route; behind a token, what is not there is not found", async () => {
    assert.equal((await worker.fetch("/healthz")).status, 200);
    for (const path of [
      "/",
      "/raw",
      "/objects/sealed/x",
      "/objects/nobody/x",
      "/gestalt.edge.v1.WorkerService/Describe",
    ]) {
      assert.equal((await worker.fetch(path)).status, 401, path);
    }
    const headers = { authorization: `Bearer ${await signToken(first, claims())}` };
    for (const path of ["/", "/objects/sealed/x", "/nothing/here"]) {
      assert.equal((await worker.fetch(path, { headers })).status, 404, path);
    }
  });

  test("public objects and raw routes reach their provider", async () => {
    assert.equal(await (await worker.fetch("/objects/probe/a/b?c=d")).text(), "probe /objects/probe/a/b");
    const headers = { authorization: `Bearer ${await signToken(first, claims({ name: "n" }))}` };
    assert.equal(await (await worker.fetch("/raw", { method: "POST", headers, body: "12345" })).text(), "n 5");
    const crashed = await worker.fetch("/raw/crash", { headers });
    assert.deepEqual([crashed.status, await crashed.json()], [500, { code: "internal", message: "internal error" }]);
  });
});

suite("a worker without trust", { timeout: 30_000 }, () => {
  for (const [what, vars, advice] of [
    ["no key", { [JWKS_BINDING]: undefined }, /GESTALT_EDGE_JWKS/],
    ["an empty key set", { [JWKS_BINDING]: '{"keys":[]}' }, /holds no key/],
    ["a damaged key set", { [JWKS_BINDING]: "{" }, /not a JSON Web Key Set/],
    ["no name", { [NAME_BINDING]: undefined }, /GESTALT_EDGE_NAME/],
  ] as const) {
    test(`with ${what} refuses everything and says once what to configure`, async () => {
      const lines: string[] = [];
      const worker = await startWorker({ entry, vars, provider: "probe", onLog: (line) => lines.push(line) });
      try {
        for (let attempt = 0; attempt < 3; attempt++) {
          await assert.rejects(worker.client(Cache).get({ key: "echo:hi" }), (error: unknown) => {
            assert.ok(error instanceof ConnectError);
            assert.equal(error.code, Code.Unauthenticated);
            assert.match(error.message, advice);
            return true;
          });
        }
        assert.equal((await worker.fetch("/healthz")).status, 200);
      } finally {
        await worker.dispose();
      }
      assert.equal(lines.filter((line) => line.includes("gestalt-edge refuses every request")).length, 1);
    });
  }
});
