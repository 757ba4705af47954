// Plays gRPC calls with @grpc/grpc-js: one JSON call per input line, one JSON answer per output line. Messages are bytes
// in both directions; nothing here knows what is in them. The shapes are those of ../play.ts.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  compressionAlgorithms,
  connectivityState,
  credentials,
  Metadata,
  type StatusObject,
} from "@grpc/grpc-js";
import type { PlayedCall, PlayedReply, PlayedResult } from "../play.ts";

/** The shortest idle time that grpc-js takes, in milliseconds. */
const IDLE_TIMEOUT_MS = 1000;

const { version } = createRequire(import.meta.url)("@grpc/grpc-js/package.json") as { version: string };
const channels = new Map<string, Client>();

tell({ client: `grpc-js ${version}` });
for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line) as PlayedCall & { id: string };
  const client = channelTo(call);
  if (call.awaitIdle) await idle(client);
  const results = await Promise.all(Array.from({ length: call.repeat ?? 1 }, () => playOnce(client, call)));
  tell({ id: call.id, results });
}
for (const client of channels.values()) client.close();

function tell(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** grpc-js chooses compression for a whole channel. */
function channelTo({ target, gzip = false }: PlayedCall): Client {
  const key = `${target} ${gzip}`;
  const known = channels.get(key);
  if (known !== undefined) return known;
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.client_idle_timeout_ms": IDLE_TIMEOUT_MS,
    ...(gzip ? { "grpc.default_compression_algorithm": compressionAlgorithms.gzip } : {}),
  });
  channels.set(key, client);
  return client;
}

/** grpc-js wakes watchers of the state only on some changes, so it is looked at. */
async function idle(client: Client): Promise<void> {
  while (client.getChannel().getConnectivityState(false) !== connectivityState.IDLE) await delay(50);
}

function playOnce(client: Client, call: PlayedCall): Promise<PlayedResult> {
  const options: CallOptions = call.timeoutMs === undefined ? {} : { deadline: Date.now() + call.timeoutMs };
  const pass = (bytes: Buffer) => bytes;
  // A stream both ways carries every kind of call; on the wire there is no difference.
  const stream = client.makeBidiStreamRequest(call.method, pass, pass, metadataOf(call), options);
  const result = collect(stream, call);
  for (const request of call.requests) stream.write(Buffer.from(request, "base64"));
  stream.end();
  if (call.cancelAfterMs !== undefined) setTimeout(() => stream.cancel(), call.cancelAfterMs);
  return result;
}

function collect(stream: ClientDuplexStream<Buffer, Buffer>, call: PlayedCall): Promise<PlayedResult> {
  const replies: PlayedReply[] = [];
  let headers = new Metadata();
  stream.on("metadata", (received: Metadata) => {
    headers = received;
  });
  stream.on("data", (reply: Buffer) => {
    replies.push(describe(reply, call.digestOnly));
    if (replies.length === call.cancelAfterReplies) stream.cancel();
  });
  stream.on("error", () => {}); // Its status event follows.
  return new Promise((resolve) => {
    stream.on("status", ({ code, details, metadata }: StatusObject) =>
      resolve({ code, message: details, headers: pairs(headers), trailers: pairs(metadata), replies }),
    );
  });
}

function describe(reply: Buffer, digestOnly = false): PlayedReply {
  const described = { bytes: reply.length, sha256: createHash("sha256").update(reply).digest("hex") };
  return digestOnly ? described : { ...described, base64: reply.toString("base64") };
}

function metadataOf({ metadata }: PlayedCall): Metadata {
  const sent = new Metadata();
  for (const [name, value] of metadata) sent.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  return sent;
}

function pairs(metadata: Metadata): [string, string][] {
  return Object.keys(metadata.getMap()).flatMap((name) =>
    metadata
      .get(name)
      .map((value): [string, string] => [name, Buffer.isBuffer(value) ? value.toString("base64") : value]),
  );
}
