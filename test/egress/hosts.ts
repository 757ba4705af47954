// Hosts to reach out to: HTTP, HTTPS, WebSocket and raw TCP on this machine, which note who called.
import { createHash } from "node:crypto";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { after, before } from "node:test";
import { createSecureContext, createServer as createTlsServer, TLSSocket } from "node:tls";
import { makeCertificate } from "../support/fake-gestaltd/certificate.ts";

export interface Hosts {
  /** Ports, on every address of this machine. */
  readonly http: number;
  readonly https: number;
  readonly tcp: number;
  readonly tls: number;
  /** Speaks TLS when it is told to, as mail and database servers do. */
  readonly startTls: number;
  /** `Host` header and path of each request that arrived, `tcp` for each raw connection. */
  readonly arrived: string[];
  /** Raw connections that are open. */
  readonly open: ReadonlySet<Socket>;
  /** Bytes of the last endless answer that were taken, once its reader has gone. */
  taken: number | undefined;
  /** PEM of the authority behind the HTTPS host. */
  readonly authority: string;
}

/** RFC 6455 §4.2.2. */
const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** For all tests of a file. */
export function hosts(): Hosts {
  const { authority, certificate: cert, key } = makeCertificate();
  const arrived: string[] = [];
  const sockets = new Set<Socket>();
  const open = new Set<Socket>();
  let taken: number | undefined;
  const endless = (response: ServerResponse) => {
    let sent = 0;
    const block = Buffer.alloc(64 * 1024);
    const fill = () => {
      do sent += block.length;
      while (response.write(block));
    };
    response.on("drain", fill).on("close", () => {
      taken = sent;
    });
    fill();
  };
  const answer: RequestListener = (request, response) => {
    arrived.push(`${request.headers.host}${request.url}`);
    const { pathname, searchParams } = new URL(request.url ?? "", "http://any");
    if (pathname === "/redirect") return response.writeHead(302, { location: searchParams.get("to") ?? "" }).end();
    if (pathname === "/forged") return response.writeHead(403, { "gestalt-egress-denied": "forged" }).end("forged");
    if (pathname === "/endless") return endless(response);
    if (request.method === "POST") return void request.pipe(response);
    response.end(`hello from ${request.headers.host}`);
  };
  const all = {
    http: createHttpServer(answer).on("upgrade", acceptWebSocket),
    https: createHttpsServer({ cert, key }, answer).on("upgrade", acceptWebSocket),
    tcp: createTcpServer({ allowHalfOpen: true }, (socket) => {
      arrived.push("tcp");
      open.add(socket.once("close", () => open.delete(socket)));
      echo(socket);
    }),
    tls: createTlsServer({ cert, key, allowHalfOpen: true }, echo).on("tlsClientError", () => undefined),
    startTls: createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        socket.removeAllListeners("data");
        socket.write(`go (${data})`);
        echo(new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert, key }) }));
      });
    }),
  };
  before(async () => {
    for (const server of Object.values(all)) {
      server.on("connection", (socket: Socket) => sockets.add(socket.once("close", () => sockets.delete(socket))));
      await new Promise<void>((resolve) => server.listen(0, resolve));
    }
  });
  after(async () => {
    const ended = Object.values(all).map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of sockets) socket.destroy();
    await Promise.all(ended);
  });
  return {
    get http() {
      return portOf(all.http);
    },
    get https() {
      return portOf(all.https);
    },
    get tcp() {
      return portOf(all.tcp);
    },
    get tls() {
      return portOf(all.tls);
    },
    get startTls() {
      return portOf(all.startTls);
    },
    get taken() {
      return taken;
    },
    set taken(value) {
      taken = value;
    },
    arrived,
    open,
    authority,
  };
}

function echo(socket: Socket): void {
  socket.on("error", () => undefined);
  socket.on("data", (data) => socket.write(`echo ${data}`));
  socket.on("end", () => socket.end());
}

/** Says hello to whatever comes. */
function acceptWebSocket(request: IncomingMessage, socket: Socket): void {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${WEBSOCKET_GUID}`).digest("base64");
  const head = `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}`;
  socket.write(`${head}\r\n\r\n`);
  const text = Buffer.from(`hello from ${request.headers.host}`);
  socket.once("data", () => socket.write(Buffer.concat([Buffer.of(0x81, text.length), text])));
  socket.on("error", () => undefined);
  socket.on("end", () => socket.end());
}

function portOf(server: Server | TcpServer): number {
  return (server.address() as AddressInfo).port;
}
