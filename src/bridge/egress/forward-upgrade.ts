// Forwards one admitted WebSocket upgrade: after the host's 101 the bytes pass untouched.
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Destination, dial, type ProxyRoute } from "./dial.ts";
import { type Forwarding, hostHeader, MAX_ANSWER_HEADERS_BYTES } from "./forward-request.ts";
import { responseHeaders, upgradeHeaders } from "./http-headers.ts";
import { type Incoming, join } from "./tunnel.ts";

export interface Upgrading extends Destination, Pick<Forwarding, "unreachable"> {
  readonly proxy: ProxyRoute | undefined;
}

/**
 * A host that answers anything but 101 gets its answer through, body and all. workerd's connection ends with it in any case:
 * were it used again, the next request could go to a host nobody had asked for.
 */
export function forwardUpgrade(
  request: IncomingMessage,
  { socket, head }: Incoming,
  { proxy, unreachable, ...destination }: Upgrading,
): void {
  socket.on("error", () => undefined);
  forward(request, { socket, head }, destination, proxy).catch((error: Error) => {
    if (!unreachable(error)) socket.destroy();
  });
}

async function forward(
  request: IncomingMessage,
  { socket, head }: Incoming,
  destination: Destination,
  proxy: ProxyRoute | undefined,
): Promise<void> {
  const { host, port, secure } = destination;
  const connection = await dial(destination, proxy);
  if (socket.destroyed) return void connection.destroy();
  const { pathname, search } = new URL(request.url ?? "");
  const outgoing = httpRequest({
    createConnection: () => connection,
    host,
    port,
    method: request.method ?? "GET",
    path: `${pathname}${search}`,
    headers: upgradeHeaders(request.rawHeaders, hostHeader(host, port, secure)),
    maxHeaderSize: MAX_ANSWER_HEADERS_BYTES,
  });
  outgoing.on("error", () => socket.destroy());
  socket.once("close", () => outgoing.destroy());
  outgoing.on("upgrade", (answer, upgraded, first) => {
    socket.write(answerHead(answer, ["Connection", "Upgrade", "Upgrade", "websocket"]));
    if (first.length > 0) socket.write(first);
    if (head.length > 0) upgraded.write(head);
    join(socket, upgraded);
  });
  outgoing.on("response", (answer) => refuse(answer, socket));
  outgoing.end();
}

/** Framed by the end of the connection; whatever framing the host used, Node has taken it off. */
function refuse(answer: IncomingMessage, socket: Duplex): void {
  socket.write(answerHead(answer, ["Connection", "close"]));
  answer.pipe(socket);
}

function answerHead(answer: IncomingMessage, connection: readonly string[]): string {
  const { statusCode, statusMessage } = answer;
  const headers = [...responseHeaders(answer.rawHeaders), ...connection];
  let lines = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== "transfer-encoding") lines += `${headers[index]}: ${headers[index + 1]}\r\n`;
  }
  return `${lines}\r\n`;
}
