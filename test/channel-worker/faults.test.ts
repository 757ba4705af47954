// What a provider sees when the channel is lost, taken over, asleep or not there.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { decodeProtectedHeader } from "jose";
import { ReadObjectChunkSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { CLOSE_CODES } from "../../src/wire/channel/close.ts";
import { OK } from "../../src/wire/channel/status.ts";
import { until } from "../support/bridge-process.ts";
import { WORKER_NAME } from "../support/worker-harness.ts";
import { callOf, channelTest, echo, encode } from "./host.ts";

const piece = encode(ReadObjectChunkSchema, { result: { case: "data", value: new Uint8Array(10) } });

suite("without a bridge", { timeout: 60_000 }, () => {
  const channel = channelTest();

  test("calls of a session that has nothing to call fail at once", async () => {
    const { failure, message } = await channel.ask("get", {}, { sid: "poor", hosts: undefined });
    assert.equal(failure, "FailedPrecondition");
    assert.match(message ?? "", /offers this session no host services/);
  });

  test("calls wait a moment for one, then fail, and then fail at once", async () => {
    const claims = { sid: "alone" };
    for (const route of ["get", "read", "write", "talk"]) {
      const { failure, message } = await channel.ask(route, { count: 1 }, claims);
      assert.deepEqual([failure, /no bridge is connected/.test(message ?? "")], ["Unavailable", true]);
    }
  });

  test("calls do not wait past their deadline, nor after they were cancelled", async () => {
    assert.equal((await channel.ask("get", { timeoutMs: 50 }, { sid: "hasty" })).failure, "DeadlineExceeded");
    const fickle = channel.ask("get", { stop: "fickle" }, { sid: "fickle" });
    await channel.ask("progress", { key: "fickle", count: 1 });
    assert.equal((await fickle).failure, "Canceled");
    const { calls } = await channel.accept({ claims: { sid: "fickle" } });
    await channel.ask("get", { timeoutMs: 50 }, { sid: "fickle" });
    assert.equal(calls.length, 1, "the call that was given up has not come after all");
  });

  test("calls go through when one comes meanwhile", async () => {
    const claims = { sid: "patient" };
    const asked = ["get", "read"].map((route) => channel.ask(route, { key: "now" }, claims));
    await channel.accept({ claims, onCall: (call) => (call.init.streaming === "server" ? call.end(OK) : echo(call)) });
    const [got, read] = await Promise.all(asked);
    assert.deepEqual([got?.value, read?.messages], ["now", 0]);
  });
});

suite("a lost channel", { timeout: 60_000 }, () => {
  const channel = channelTest();

  test("ends calls in every state UNAVAILABLE, and the next call works", async () => {
    const opened = await channel.accept({
      onCall(call) {
        // Opened; with replies on their way; half read.
        if (call.init.streaming === "server") void call.write(piece);
      },
    });
    const asked = [
      channel.ask("get"),
      channel.ask("read", { key: "lost" }),
      channel.ask("write", { count: 100_000, size: 1_000 }),
      channel.ask("talk", { count: 5 }),
    ];
    await until(() => opened.calls.length === asked.length, "all calls have come");
    await until(async () => Number(await channel.ask("progress", { key: "lost" })) === 1, "one has a reply");
    await opened.close();
    const failures = (await Promise.all(asked)).map(({ failure }) => failure);
    assert.deepEqual(new Set(failures), new Set(["Unavailable"]));
    await channel.accept({ onCall: echo });
    assert.equal((await channel.ask("get", { key: "again" })).value, "again");
  });

  test("that breaks without a goodbye is lost as well", async () => {
    const { breakOff, calls } = await channel.accept();
    const asked = channel.ask("get");
    await callOf(calls);
    const stream = channel.ask("read");
    await until(() => calls.length === 2, "both calls have come");
    breakOff();
    assert.deepEqual([(await asked).failure, (await stream).failure], ["Unavailable", "Unavailable"]);
  });

  test("is noticed when the other side falls silent, and calls on a new one work", async () => {
    const silent = await channel.accept({ onCall: echo });
    await channel.ask("get");
    silent.deaf = true;
    const asked = ["get", "read"].map((route) => channel.ask(route));
    for (const { failure } of await Promise.all(asked)) assert.equal(failure, "Unavailable");
    assert.equal(await silent.closed, CLOSE_CODES.shutdown);
    await channel.accept({ onCall: echo });
    assert.equal((await channel.ask("get", { key: "there" })).value, "there");
  });

  test("is not suspected while its other side answers, however long a call takes", async () => {
    const { calls } = await channel.accept();
    const asked = channel.ask("get", { key: "slow" });
    const call = await callOf(calls);
    // More than the times after which the fixture gives a silent one up.
    await setTimeout(1_500);
    await echo(call);
    assert.equal((await asked).value, "slow");
  });

  test("because a rule was broken is closed saying so", async () => {
    const { socket, calls, closed } = await channel.accept();
    const asked = channel.ask("get");
    await callOf(calls);
    socket.send(new Uint8Array([0, 0, 1, 99]));
    assert.equal((await asked).failure, "Unavailable");
    assert.equal(await closed, CLOSE_CODES.violation);
  });
});

suite("a newer channel of the session", { timeout: 60_000 }, () => {
  const channel = channelTest();

  test("takes new calls at once; the older one ends its own and is closed", async () => {
    const old = await channel.accept();
    const asked = channel.ask("get", { key: "old" });
    const call = await callOf(old.calls);
    const young = await channel.accept({ onCall: echo });
    assert.equal((await channel.ask("get", { key: "young" })).value, "young");
    await until(() => old.leaves.length > 0, "the older one is told");
    assert.deepEqual([old.leaves, old.calls.length, young.calls.length], [["superseded"], 1, 1]);
    await echo(call);
    assert.equal((await asked).value, "old");
    assert.equal(await old.closed, CLOSE_CODES.superseded);
  });

  test("closes an idle one at once, and one that hangs in the end", async () => {
    const idle = await channel.accept();
    const busy = await channel.accept();
    assert.equal(await idle.closed, CLOSE_CODES.superseded);
    const asked = channel.ask("get");
    await callOf(busy.calls);
    await channel.accept();
    assert.equal((await asked).failure, "Unavailable");
    assert.equal(await busy.closed, CLOSE_CODES.superseded);
  });

  test("keeps one away that has fallen silent: should its bridge live after all, it must not take over again", async () => {
    const silent = await channel.accept();
    const asked = channel.ask("get");
    await callOf(silent.calls);
    silent.deaf = true;
    await channel.accept({ onCall: echo });
    const { failure, message } = await asked;
    assert.deepEqual([failure, message], ["Unavailable", "host channel: the bridge does not answer"]);
    assert.equal(await silent.closed, CLOSE_CODES.superseded);
    assert.equal((await channel.ask("get", { key: "young" })).value, "young");
  });

  test("is waited for when the bridge has taken leave", async () => {
    const leaving = await channel.accept();
    const asked = channel.ask("get");
    const call = await callOf(leaving.calls);
    leaving.peer.leave("shutdown");
    const next = channel.ask("get", { key: "next" });
    await channel.ask("progress");
    await channel.accept({ onCall: echo });
    assert.equal((await next).value, "next");
    await echo(call);
    assert.equal((await asked).failure, undefined);
    assert.equal((await leaving.ended).kind, "shutdown");
  });
});

suite("an object", { timeout: 60_000 }, () => {
  const channel = channelTest();

  /** The name of the session's object, as it stands in docs/channel.md. */
  async function nameOf(sid: string): Promise<readonly string[]> {
    const { kid = "" } = decodeProtectedHeader(await channel.worker.token());
    return [kid, "caller", sid];
  }

  /** As the platform does with one that has been idle for ten seconds. */
  async function putToSleep(sid: string): Promise<void> {
    const name = JSON.stringify(await nameOf(sid));
    await channel.worker.miniflare.unsafeEvictDurableObject(WORKER_NAME, "HostChannel", {
      name,
      webSockets: "hibernate",
    });
  }

  test("that sleeps wakes with a call, and goes on with the bridge that is still there", async () => {
    const claims = { sid: "sleeper" };
    const acceptor = await channel.accept({ claims, onCall: echo });
    for (const key of ["first", "second", "third"]) {
      assert.equal((await channel.ask("get", { key }, claims)).value, key);
      await putToSleep(claims.sid);
    }
    assert.deepEqual([acceptor.calls.length, acceptor.peer.end], [3, undefined]);
  });

  test("that sleeps wakes with a packet for the one it was, and passes it over", async () => {
    const claims = { sid: "dozer" };
    const acceptor = await channel.accept({ claims, onCall: echo });
    await channel.ask("get", {}, claims);
    await putToSleep(claims.sid);
    assert.equal(await acceptor.peer.ping(), true, "it says hello instead of an answer");
    assert.equal((await channel.ask("get", { key: "awake" }, claims)).value, "awake");
    assert.equal(acceptor.peer.end, undefined);
  });

  test("that sleeps finds out when it wakes that the bridge is gone", async () => {
    const claims = { sid: "deceived" };
    const gone = await channel.accept({ claims, onCall: echo });
    await channel.ask("get", {}, claims);
    await putToSleep(claims.sid);
    gone.deaf = true;
    const { failure, message } = await channel.ask("get", {}, claims);
    assert.deepEqual([failure, message], ["Unavailable", "host channel: the bridge does not answer"]);
  });

  test("that sleeps wakes with a newer channel, and closes the one it had", async () => {
    const claims = { sid: "napper" };
    const old = await channel.accept({ claims, onCall: echo });
    await channel.ask("get", {}, claims);
    await putToSleep(claims.sid);
    await channel.accept({ claims, onCall: echo });
    assert.equal(await old.closed, CLOSE_CODES.superseded);
    assert.equal((await channel.ask("get", { key: "young" }, claims)).value, "young");
  });

  test("that ends takes its calls with it, and waits for the bridge when it is back", async () => {
    const claims = { sid: "mortal" };
    const lost = await channel.accept({ claims });
    const asked = ["get", "read", "talk"].map((route) => channel.ask(route, { count: 1 }, claims));
    await until(() => lost.calls.length === asked.length, "all calls have come");
    await channel.ask("crash", { object: await nameOf(claims.sid) }, claims);
    for (const { failure } of await Promise.all(asked)) assert.equal(failure, "Unavailable");
    await lost.closed;
    const next = channel.ask("get", { key: "back" }, claims);
    await channel.accept({ claims, onCall: echo });
    assert.equal((await next).value, "back");
  });
});
