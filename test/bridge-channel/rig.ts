// One session's channel between a scripted worker and a fake gestaltd, with everything a test may want to see of it.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  openSessionChannel,
  type SessionChannel,
  type SessionChannelOptions,
} from "../../src/bridge/channel/session-channel.ts";
import { pathOf } from "../../src/bridge/grpc/router.ts";
import type { HostClient, HostClientOptions } from "../../src/bridge/host/client.ts";
import { offeredServices } from "../../src/bridge/host/offered.ts";
import type { Log, LogFields } from "../../src/bridge/log.ts";
import { openPool } from "../../src/bridge/target/pool.ts";
import type { Upstream, UpstreamSource } from "../../src/bridge/upstream.ts";
import type { CallStatus, Metadata, Streaming } from "../../src/wire/channel/frames.ts";
import type { OutgoingCall } from "../../src/wire/channel/opened-call.ts";
import { CallError } from "../../src/wire/channel/status.ts";
import { type GrpcCode, nameOfGrpcCode } from "../../src/wire/codes.ts";
import type { FakeGestaltd, FakeGestaltdOptions, HostName, Via } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { startFakeGestaltd, startHostClient, until } from "../support/fake-gestaltd/start.ts";
import { ScriptedWorker, type WorkerChannel } from "./scripted-worker.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export interface Rig {
  readonly gestaltd: FakeGestaltd;
  readonly client: HostClient;
  readonly worker: ScriptedWorker;
  readonly channel: SessionChannel;
  readonly log: readonly LogLine[];
  /** The connection that is open. */
  readonly connection: WorkerChannel;
}

export interface RigOptions {
  readonly via?: Via;
  readonly hosts?: readonly HostName[];
  readonly gestaltd?: FakeGestaltdOptions;
  readonly client?: HostClientOptions;
  readonly channel?: Partial<SessionChannelOptions>;
  /** Changes what gestaltd's environment says. */
  readonly env?: (env: Record<string, string>) => Record<string, string>;
}

/** Stands when this resolves; everything ends with the test, and what is left over fails it. */
export async function startRig(t: TestContext, options: RigOptions = {}): Promise<Rig> {
  const { via = "unix", hosts = ["CACHE", "PLUGIN_INVOKER", "S3"] } = options;
  const gestaltd = await startFakeGestaltd(t, options.gestaltd);
  const client = startHostClient(t, gestaltd, options.client);
  const worker = await ScriptedWorker.start(t);
  const offer = await gestaltd.offer({ plugin: "search", session: "session-1", via, hosts });
  const services = offeredServices(options.env?.(offer) ?? offer);
  const log: LogLine[] = [];
  const channel = startChannel(t, worker, { services, client, log: logTo(log), ...options.channel });
  await channel.opened;
  const [connection] = worker.channels;
  assert.ok(connection);
  return { gestaltd, client, worker, channel, log, connection };
}

export function startChannel(
  t: TestContext,
  worker: ScriptedWorker,
  options: Pick<SessionChannelOptions, "services" | "client" | "log"> & Partial<SessionChannelOptions>,
): SessionChannel {
  const { source } = sourceOf(t, worker);
  const channel = openSessionChannel({ name: "search", source, ...options });
  t.after(async () => {
    await channel.close();
    assert.equal(channel.state, "over");
    await until(() => worker.channels.every(({ peer }) => peer.end !== undefined), "a channel is still open");
  });
  return channel;
}

export interface TestSource {
  readonly source: UpstreamSource;
  /** Upstreams that were told to have failed. */
  readonly failed: Upstream[];
}

/** The worker's address with a new token for each connection. */
export function sourceOf(t: TestContext, worker: ScriptedWorker, ca?: string): TestSource {
  const dispatcher = openPool({ origin: worker.origin, ca, env: {} });
  t.after(() => dispatcher.destroy());
  const failed: Upstream[] = [];
  let tokens = 0;
  const source: UpstreamSource = {
    upstream() {
      tokens += 1;
      const headers = { authorization: `Bearer token-${tokens}`, "cf-access-client-id": "me" };
      return { origin: worker.origin, basePath: "", dispatcher, headers };
    },
    connectFailed: (upstream) => failed.push(upstream),
  };
  return { source, failed };
}

export function logTo(lines: LogLine[]): Log {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      lines.push({ level, message, fields });
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

export interface CallOptions {
  readonly service?: string;
  readonly metadata?: Metadata;
  readonly timeoutMs?: number;
  readonly streaming?: Streaming;
  readonly path?: string;
}

type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { readonly input: I; readonly output: O };

/** Opens a call as the worker does; its messages are for the caller to send. */
export function open({ peer }: WorkerChannel, method: DescMethod, options: CallOptions = {}): OutgoingCall {
  const {
    service = "CACHE",
    metadata = [],
    timeoutMs,
    streaming = STREAMING[method.methodKind],
    path = pathOf(method),
  } = options;
  const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
  return peer.open({ service, path, streaming, metadata, deadline });
}

const STREAMING = {
  unary: "unary",
  client_streaming: "client",
  server_streaming: "server",
  bidi_streaming: "bidi",
} as const satisfies Record<DescMethod["methodKind"], Streaming>;

/** A unary call. Rejects with {@link CallError}. */
export async function callHost<I extends DescMessage, O extends DescMessage>(
  channel: WorkerChannel,
  method: Method<I, O>,
  request: MessageInitShape<I>,
  options?: CallOptions,
): Promise<MessageShape<O>> {
  const call = open(channel, method, options);
  void call.write(toBinary(method.input, create(method.input, request)));
  call.halfClose();
  const replies = [];
  for await (const message of call.messages) replies.push(fromBinary(method.output, message));
  const [reply] = replies;
  assert.ok(reply);
  assert.equal(replies.length, 1);
  return reply;
}

/** For assert.rejects: the call ended with this code and a message that fits. */
export function callError(code: GrpcCode, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CallError, String(error));
    assertStatus(error.status, code, message);
    return true;
  };
}

export function assertStatus(status: CallStatus, code: GrpcCode, message: RegExp): void {
  assert.equal(nameOfGrpcCode(status.code), nameOfGrpcCode(code), status.message);
  assert.match(status.message, message);
}
