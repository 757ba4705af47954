// Host services as lean as they can be, in a process of their own: what is measured is the way to them, not they themselves.
// A cache that answers values of the size a key names, and an object store that keeps nothing.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { frame, sizeOf } from "../../src/bridge/grpc/frames.ts";
import { localServerStream, localUnary } from "../../src/bridge/grpc/local.ts";
import { createRouter, type Route } from "../../src/bridge/grpc/router.ts";
import { createGrpcServer } from "../../src/bridge/grpc/server.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { type ReadObjectChunkSchema, S3, WriteObjectResponseSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { payloadFor } from "../payload.ts";

/** gestaltd sends objects in messages of this size (reference §4.2), in bytes. */
const CHUNK = new Uint8Array(64 * 1024).fill(120);

const writeObject: Route = {
  method: S3.method.writeObject,
  handle(call) {
    let received = 0;
    call.receive({
      message: (message) => {
        received += sizeOf(message);
      },
      halfClose: () => {
        const meta = { ref: { bucket: "bench", key: "written" }, size: BigInt(received) };
        call.finishWith([frame(toBinary(WriteObjectResponseSchema, create(WriteObjectResponseSchema, { meta })))]);
      },
      ended: () => undefined,
    });
  },
};

async function* objectOf(size: number): AsyncGenerator<MessageInitShape<typeof ReadObjectChunkSchema>> {
  yield { result: { case: "meta", value: { ref: { bucket: "bench", key: String(size) }, size: BigInt(size) } } };
  for (let sent = 0; sent < size; sent += CHUNK.length) yield { result: { case: "data", value: CHUNK } };
}

const [path = ""] = process.argv.slice(2);
const server = createGrpcServer({
  router: createRouter([
    localUnary(Cache.method.get, ({ key }) => ({ found: true, value: payloadFor(key) })),
    localServerStream(S3.method.readObject, ({ ref }) => objectOf(Number(ref?.key))),
    writeObject,
  ]),
});
await server.listen({ path });
process.stdout.write("ready\n");
process.on("SIGTERM", () => void server.close(0).then(() => process.exit(0)));
