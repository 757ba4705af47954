// gestaltd's egress proxy as far as a provider's traffic sees it (reference §3): CONNECT with a token, nothing else.
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { after, before } from "node:test";

export interface EgressProxy {
  readonly url: string;
  /** What was asked for, `host:port`. */
  readonly asked: string[];
}

/** For all tests of a file; lets those in who bring `token`, to any host but `denied`. */
export function egressProxy(token: string, denied: string): EgressProxy {
  const asked: string[] = [];
  const expected = `Basic ${Buffer.from(`gestalt-egress-proxy:${token}`).toString("base64")}`;
  const server = createServer((_request, response) => response.writeHead(500).end("not by CONNECT"));
  server.on("connect", (request, socket, head) => {
    socket.on("error", () => undefined);
    if (request.headers["proxy-authorization"] !== expected) return socket.end("HTTP/1.1 407 No\r\n\r\n");
    const { hostname, port } = new URL(`http://${request.url}`);
    if (hostname === denied) return socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nnope");
    asked.push(request.url ?? "");
    // Some names of others stand for this machine.
    const host = hostname.endsWith(".invalid") ? "127.0.0.1" : hostname.replace(/^\[|\]$/g, "");
    const target = connect({ host, port: Number(port) || 80, allowHalfOpen: true });
    target.on("error", () => socket.end("HTTP/1.1 502 No\r\n\r\n"));
    target.once("connect", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      target.write(head);
      socket.pipe(target).pipe(socket);
    });
  });
  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(() => server.close());
  return {
    get url() {
      const { port } = server.address() as AddressInfo;
      return `http://gestalt-egress-proxy:${token}@127.0.0.1:${port}`;
    },
    asked,
  };
}
