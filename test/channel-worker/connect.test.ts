// Who may open a channel and who may call over one; a channel belongs to one session.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { decodeProtectedHeader } from "jose";
import { WorkerService } from "../../src/gen/gestalt/edge/v1/edge_pb.ts";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import { KEEP_ALIVE_PING, KEEP_ALIVE_PONG } from "../../src/wire/channel/keep-alive.ts";
import { failure } from "../../src/wire/channel/status.ts";
import { MAX_TOKEN_LIFETIME_SECONDS } from "../../src/wire/limits.ts";
import { CHANNEL_PATH } from "../../src/wire/routes.ts";
import { until } from "../support/bridge-process.ts";
import { answerToHead, createSigningKey, sessionClaims, signToken, startWorker } from "../support/worker-harness.ts";
import { channelTest, echo } from "./host.ts";

/** As a bridge asks for its WebSocket. */
const UPGRADE = [
  ...["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"],
  ...["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "host: worker"],
];

const now = () => Math.floor(Date.now() / 1000);

suite("a channel", { timeout: 60_000 }, () => {
  const rival = createSigningKey("rival");
  const channel = channelTest();

  /** The answer's status and body, up to its first piece. */
  async function upgrade(authorization: string | undefined, path = CHANNEL_PATH): Promise<string> {
    const head = [
      `GET ${path} HTTP/1.1`,
      ...UPGRADE,
      ...(authorization === undefined ? [] : [`authorization: ${authorization}`]),
    ];
    return answerToHead(channel.worker.url, head);
  }

  test("is not opened without a token this worker takes, whatever else is asked", async () => {
    const claims = sessionClaims({ provider: "caller" });
    const wrong = [
      undefined,
      "Bearer no.token.atall",
      `Bearer ${await signToken(await rival, claims)}`,
      `Bearer ${await channel.worker.token({ exp: now() - 60, nbf: now() - 120, iat: now() - 120 })}`,
      `Bearer ${await channel.worker.token({ provider: "nobody" })}`,
    ];
    for (const authorization of wrong)
      assert.match(await upgrade(authorization), /^HTTP\/1\.1 401 [\s\S]*unauthenticated/);
    assert.equal((await channel.worker.fetch(CHANNEL_PATH, { method: "POST" })).status, 401);
  });

  test("is a WebSocket", async () => {
    const authorization = `Bearer ${await channel.worker.token()}`;
    for (const method of ["GET", "POST"]) {
      const response = await channel.worker.fetch(CHANNEL_PATH, { method, headers: { authorization } });
      assert.equal(response.status, 426);
    }
    assert.match(await upgrade(authorization), /^HTTP\/1\.1 101 /);
  });

  test("is what the worker says it has", async () => {
    assert.equal((await channel.worker.client(WorkerService).describe({})).hostChannel, true);
  });

  test("answers signs of life beside the frames", async () => {
    const { socket, texts } = await channel.accept();
    socket.send("what?");
    socket.send(KEEP_ALIVE_PING);
    await until(() => texts.length > 0, "it answers");
    assert.deepEqual(texts, [KEEP_ALIVE_PONG]);
  });

  test("has the calls of its own session and of no other", async () => {
    const sessions = [{ sid: "one" }, { sid: "two" }, { sid: "one", provider: "other" }];
    const channels = await Promise.all(sessions.map((claims) => channel.accept({ claims, onCall: echo })));
    for (const [index, claims] of sessions.entries()) {
      assert.equal((await channel.ask("get", { key: `${index}` }, claims)).value, `${index}`);
      assert.deepEqual(
        channels.map(({ calls }) => calls.length),
        sessions.map((_, other) => (other <= index ? 1 : 0)),
      );
    }
    const { failure } = await channel.ask("get", {}, { sid: "three" });
    assert.equal(failure, "Unavailable");
  });

  test("cannot be reached by the provider's own code with another session's token, or with none", async () => {
    await channel.accept({ claims: { sid: "mine" }, onCall: echo });
    const { worker } = channel;
    const { kid = "" } = decodeProtectedHeader(await worker.token());
    const object = [kid, "caller", "mine"];
    const direct = async (token: string, name: readonly string[] = object) =>
      channel.ask("direct", { token, object: name }, { sid: "intruder" });
    const own = await worker.token({ sid: "mine" });
    assert.deepEqual((await direct(own)).status, 101, "the name is right");
    const foreign = [
      "",
      "no.token.atall",
      await worker.token({ sid: "intruder" }),
      await worker.token({ sid: "mine", provider: "other" }),
      await signToken(await rival, sessionClaims({ provider: "caller", sid: "mine" })),
      await worker.token({
        sid: "mine",
        exp: now() - MAX_TOKEN_LIFETIME_SECONDS - 60,
        nbf: now() - 7_200,
        iat: now() - 7_200,
      }),
    ];
    for (const token of foreign) {
      const { code, status, message } = await direct(token);
      assert.deepEqual([code, status], [16, 401], String(message));
    }
    for (const name of [
      [kid, "caller", "elsewhere"],
      ["rival", "caller", "mine"],
    ])
      assert.equal((await direct(own, name)).status, 401);
  });
});

suite("a request", { timeout: 60_000 }, () => {
  const channel = channelTest();

  test("may outlive its token, for an hour; a bridge may not connect with it", async () => {
    const { worker } = channel;
    const { calls } = await channel.accept({
      claims: { sid: "long" },
      onCall: (call) => call.end(failure(7, "heard")),
    });
    const { kid = "" } = decodeProtectedHeader(await worker.token());
    const expired = { sid: "long", exp: now() - 1_800, nbf: now() - 2_100, iat: now() - 2_100 };
    const early = { sid: "long", exp: now() + 1_800, nbf: now() + 1_500, iat: now() + 1_500 };
    for (const [claims, code] of [
      [expired, 7],
      [early, 16],
    ] as const) {
      const token = await worker.token(claims);
      const answer = await channel.ask("direct", { token, object: [kid, "caller", "long"] });
      assert.deepEqual([answer.code, answer.status], [code, 401]);
    }
    assert.equal(calls.length, 1);
  });
});

suite("a worker without a channel", { timeout: 60_000 }, () => {
  const channel = channelTest({ durableObjects: {} });

  test("says so to the bridge, to the handler, and in its description", async () => {
    const { worker } = channel;
    const head = [`GET ${CHANNEL_PATH} HTTP/1.1`, ...UPGRADE, `authorization: Bearer ${await worker.token()}`];
    assert.match(await answerToHead(worker.url, head), /^HTTP\/1\.1 404 [\s\S]*durable_objects\.bindings/);
    assert.equal((await worker.client(WorkerService).describe({})).hostChannel, false);
    for (const route of ["get", "read", "write"]) {
      const { failure, message } = await channel.ask(route);
      assert.equal(failure, "FailedPrecondition");
      assert.match(message ?? "", /export \{ HostChannel \}/);
    }
  });
});

test("a worker whose binding names a class it has not says to the bridge which to name", async (t) => {
  const worker = await startWorker({
    entry: new URL("./channel.worker.ts", import.meta.url),
    provider: "caller",
    durableObjects: { [CHANNEL_BINDING]: "HostChanel" },
  });
  t.after(() => worker.dispose());
  const head = [`GET ${CHANNEL_PATH} HTTP/1.1`, ...UPGRADE, `authorization: Bearer ${await worker.token()}`];
  assert.match(await answerToHead(worker.url, head), /^HTTP\/1\.1 503 [\s\S]*class_name of GESTALT_EDGE_CHANNEL/);
});
