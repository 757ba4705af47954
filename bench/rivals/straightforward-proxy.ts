// The rival in the bridge's place: a connect-node router over gRPC in front, a Connect transport behind, every message
// decoded and encoded again. It is what one writes in forty lines. Run as a process: socket, worker URL and token come on
// standard input as one line of JSON, so that no secret stands in its arguments.
import { chmodSync } from "node:fs";
import http2 from "node:http2";
import { createInterface } from "node:readline";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";

interface Options {
  readonly socket: string;
  readonly url: string;
  readonly token: string;
}

const [line] = await createInterface({ input: process.stdin })
  [Symbol.asyncIterator]()
  .next()
  .then(({ value }) => [value as string]);
const options = JSON.parse(line ?? "{}") as Options;

const authorize: Interceptor = (next) => (request) => {
  request.header.set("authorization", `Bearer ${options.token}`);
  return next(request);
};
const transport = createConnectTransport({ baseUrl: options.url, httpVersion: "1.1", interceptors: [authorize] });
const client = createClient(Cache, transport);

const adapter = connectNodeAdapter({
  routes: (router) => router.service(Cache, { get: (request) => client.get(request) }),
});
const server = http2.createServer(adapter);
server.listen(options.socket, () => {
  chmodSync(options.socket, 0o600);
  process.stdout.write("listening\n");
});
process.on("SIGTERM", () => process.exit(0));
