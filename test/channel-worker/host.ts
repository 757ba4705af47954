// The host as tests of the worker's channel play it: what it answers, and how the worker is asked to call it.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before } from "node:test";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { CacheGetRequestSchema, CacheGetResponseSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import { OK } from "../../src/wire/channel/status.ts";
import { until } from "../support/bridge-process.ts";
import { type AcceptorOptions, acceptChannel, type ChannelAcceptor } from "../support/channel-acceptor.ts";
import { type StartWorkerOptions, startWorker, type TestWorker, type TokenClaims } from "../support/worker-harness.ts";
import type { Ask } from "./ask.ts";

/** A session that has host services. */
export const HOSTS = { hosts: ["CACHE", "S3", "INDEXEDDB"] } as const satisfies TokenClaims;

export interface Answer {
  readonly failure?: string;
  readonly message?: string;
  readonly [key: string]: unknown;
}

export interface ChannelTest {
  readonly worker: TestWorker;
  readonly log: readonly string[];
  /** Has the provider make host calls, in a session of these claims. */
  ask(route: string, ask?: Ask, claims?: TokenClaims, init?: RequestInit): Promise<Answer>;
  /** Asks as well, and returns what makes the asker go away before it has the answer. */
  askAndLeave(route: string, ask?: Ask, claims?: TokenClaims): Promise<() => void>;
  /** Opens a channel that is closed after the test. */
  accept(options?: AcceptorOptions): Promise<ChannelAcceptor>;
}

/** A worker for all tests of a file; each test has a session of its own if it wants to be alone. */
export function channelTest(options: Partial<StartWorkerOptions> = {}): ChannelTest {
  let worker: TestWorker | undefined;
  const acceptors: ChannelAcceptor[] = [];
  const log: string[] = [];
  const started = () => worker ?? assert.fail("the worker has not been started");
  before(async () => {
    worker = await startWorker({
      entry: new URL("./channel.worker.ts", import.meta.url),
      provider: "caller",
      durableObjects: { [CHANNEL_BINDING]: "HostChannel" },
      onLog: (line) => log.push(line),
      ...options,
    });
  });
  after(async () => {
    await Promise.all(acceptors.map((acceptor) => acceptor.close()));
    await worker?.dispose();
    assert.deepEqual(
      log.filter((line) => !line.includes('"level"')),
      [],
      "workerd complained",
    );
  });
  return {
    get worker() {
      return started();
    },
    log,
    async ask(route, ask = {}, claims = {}, init = {}) {
      const authorization = `Bearer ${await started().token({ ...HOSTS, ...claims })}`;
      const headers = { ...Object.fromEntries(new Headers(init.headers)), authorization };
      const body = JSON.stringify(ask);
      const response = await started().fetch(`/${route}`, { ...init, method: "POST", headers, body });
      return (await response.json()) as Answer;
    },
    async askAndLeave(route, ask = {}, claims = {}) {
      const authorization = `Bearer ${await started().token({ ...HOSTS, ...claims })}`;
      const leaving = request(`${started().url}/${route}`, {
        method: "POST",
        headers: { authorization },
        agent: false,
      });
      leaving.on("error", () => {});
      leaving.end(JSON.stringify(ask));
      // As the bridge does: workerd does not notice a connection that only ends.
      return () => leaving.socket?.resetAndDestroy();
    },
    async accept({ claims, ...rest } = {}) {
      const acceptor = await acceptChannel(started(), { claims: { ...HOSTS, ...claims }, ...rest });
      acceptors.push(acceptor);
      return acceptor;
    },
  };
}

export function encode<S extends DescMessage>(schema: S, message: MessageInitShape<S>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

/** The first call of a channel, once it is there. */
export async function callOf(calls: readonly IncomingCall[]): Promise<IncomingCall> {
  await until(() => calls.length > 0, "the host is called");
  return calls[0] ?? assert.fail();
}

/** A cache whose every value is its key. */
export async function echo(call: IncomingCall): Promise<void> {
  const [{ key }] = await received(call, CacheGetRequestSchema);
  void call.write(encode(CacheGetResponseSchema, { found: true, value: new TextEncoder().encode(key) }));
  call.end({ ...OK, metadata: ["x-trailer", "last", "x-bytes-bin", "aGV5"] });
}

/** All that the worker sends in a call, which must be something. */
export async function received<S extends DescMessage>(
  call: IncomingCall,
  schema: S,
): Promise<[MessageShape<S>, ...MessageShape<S>[]]> {
  const messages: MessageShape<S>[] = [];
  for await (const bytes of call.messages) messages.push(fromBinary(schema, bytes));
  return messages as [MessageShape<S>, ...MessageShape<S>[]];
}
