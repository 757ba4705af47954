// The rival of the lean path: the same answers and the same authentication, every call served by the generic router.
import { createConnectRouter } from "@connectrpc/connect";
import { createFetchHandler } from "@connectrpc/connect/protocol";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import type { Bindings } from "../../src/worker/call.ts";
import { Authenticator } from "../../src/worker/sessions/authenticator.ts";
import { payloadFor } from "../payload.ts";

const router = createConnectRouter({ grpc: false, grpcWeb: false }).service(Cache, {
  get: ({ key }) => ({ found: true, value: payloadFor(key) }),
});
const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, createFetchHandler(handler)]));
const authenticator = new Authenticator();

export default {
  async fetch(request: Request, bindings: Bindings): Promise<Response> {
    await authenticator.authenticate(request.headers, bindings);
    const handler = handlers.get(new URL(request.url).pathname);
    return handler === undefined ? new Response(null, { status: 404 }) : handler(request);
  },
};
