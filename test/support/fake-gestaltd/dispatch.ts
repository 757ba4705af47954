// Connect's gRPC handlers behind an HTTP/2 server. As connect-node's own adapter, but silent about calls that their callers reset.
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ConnectRouter, type ContextValues, createConnectRouter } from "@connectrpc/connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";

export interface DispatchOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly contextValues: (request: Http2ServerRequest) => ContextValues;
  readonly readMaxBytes: number;
}

/** Handles a request. Resolves when all has been written that its caller wanted. */
export function createDispatch({ routes, contextValues, readMaxBytes }: DispatchOptions) {
  const router = createConnectRouter({ readMaxBytes, connect: false, grpcWeb: false });
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    const handler = handlers.get(request.url);
    if (handler === undefined) return void response.writeHead(404).end();
    const universal = universalRequestFromNodeRequest(request, response, undefined, contextValues(request));
    try {
      await universalResponseToNodeResponse(await handler(universal), response);
    } catch (error) {
      if (!response.stream.aborted && !response.stream.destroyed) throw error;
    }
  };
}
