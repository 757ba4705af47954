// The rival of the whole way: the same provider as a local Node process that serves gRPC with connect-node. Run as a
// process with the socket as its argument.
import http2 from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { payloadFor } from "../payload.ts";

const adapter = connectNodeAdapter({
  routes: (router) => router.service(Cache, { get: ({ key }) => ({ found: true, value: payloadFor(key) }) }),
});
http2.createServer(adapter).listen(process.argv[2], () => process.stdout.write("listening\n"));
process.on("SIGTERM", () => process.exit(0));
