// The routes of the two streams: a WebSocket at the gRPC method's own path.
import { Code, ConnectError } from "@connectrpc/connect";
import { OPEN_CURSOR_PATH, TRANSACTION_PATH } from "../../../wire/routes.ts";
import type { Call, ProviderRequest } from "../../call.ts";
import type { Provider } from "../../provider.ts";
import { errorResponse } from "../../serving/errors.ts";
import { providerRequest } from "../../sessions/provider-request.ts";
import type { IndexedDBHandlers } from "../define.ts";
import { CursorConversation } from "./cursor.ts";
import { type Conversation, type StreamOptions, StreamSocket } from "./stream-socket.ts";
import { TransactionConversation } from "./transaction.ts";

export interface StreamTimes {
  readonly transactionIdleMs: number;
  readonly cursorIdleMs: number;
}

export function streamRoutes<Config>(
  handlers: IndexedDBHandlers<Config>,
  { transactionIdleMs, cursorIdleMs }: StreamTimes,
): NonNullable<Provider["routes"]> {
  const cursor: StreamOptions = {
    label: "IndexedDB/OpenCursor",
    idleMs: cursorIdleMs,
    idleText: `The cursor was not used for ${cursorIdleMs / 1000} seconds and was closed.`,
  };
  const transaction: StreamOptions = {
    label: "IndexedDB/Transaction",
    idleMs: transactionIdleMs,
    idleText: `The transaction was not used for ${transactionIdleMs / 1000} seconds and was rolled back.`,
  };
  return {
    [OPEN_CURSOR_PATH]: async (request, call) =>
      openStream<Config>(request, call, cursor, (own) => new CursorConversation(handlers, own, cursorIdleMs)),
    [TRANSACTION_PATH]: async (request, call) =>
      openStream<Config>(
        request,
        call,
        transaction,
        (own) => new TransactionConversation(handlers, own, transactionIdleMs),
      ),
  };
}

function openStream<Config>(
  request: Request,
  call: Call,
  options: StreamOptions,
  converse: (own: ProviderRequest<Config>) => Conversation,
): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    const text = `${options.label} is spoken over a WebSocket here.`;
    return errorResponse(new ConnectError(text, Code.Unimplemented), 426);
  }
  const { 0: client, 1: server } = new WebSocketPair();
  const ended = new AbortController();
  const own = Object.create(providerRequest<Config>(call), { signal: { value: ended.signal } });
  new StreamSocket(server, call, options, converse(own), ended);
  return new Response(null, { status: 101, webSocket: client });
}
