// The server under test as the official runner starts it: `server.ts worker|bridge` reads from stdin what is wanted, says
// on stdout where it listens, and serves until SIGTERM.
import { once } from "node:events";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  HTTPVersion,
  Protocol,
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";
import { startBridge, startConformanceWorker } from "./service.ts";
import { startTokenProxy } from "./token-proxy.ts";

const stopped = once(process, "SIGTERM");
const bridged = process.argv[2] === "bridge";
const wanted = fromBinary(ServerCompatRequestSchema, await readDelimited(process.stdin));
const spoken = bridged ? Protocol.GRPC : Protocol.CONNECT;
const version = bridged ? HTTPVersion.HTTP_VERSION_2 : HTTPVersion.HTTP_VERSION_1;
if (wanted.useTls || wanted.protocol !== spoken || wanted.httpVersion !== version) {
  throw new Error("the runner's configuration asks for what this side does not speak");
}

const worker = await startConformanceWorker();
const token = await worker.token();
const server = await (bridged ? startBridge({ url: worker.url, token }) : startTokenProxy(worker.url, token));
const { port } = server;
writeDelimited(toBinary(ServerCompatResponseSchema, create(ServerCompatResponseSchema, { host: "127.0.0.1", port })));
await stopped;
await server.close();
await worker.dispose();

/** One message behind its length, 32 bits big-endian. */
async function readDelimited(input: AsyncIterable<Buffer>): Promise<Buffer> {
  let read = Buffer.alloc(0);
  for await (const chunk of input) {
    read = Buffer.concat([read, chunk]);
    if (read.length >= 4 && read.length >= 4 + read.readUInt32BE()) return read.subarray(4, 4 + read.readUInt32BE());
  }
  throw new Error("the runner said nothing");
}

function writeDelimited(message: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  process.stdout.write(Buffer.concat([length, message]));
}
