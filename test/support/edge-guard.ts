// Stands in front of a local workerd and refuses what the real edge refuses and workerd does not: an answer before the
// request has ended (full duplex), and bodies over the platform's cap. Everything else passes byte for byte.
// Sources: field notes §0.2 (full duplex), Workers platform limits (request body).
import { once } from "node:events";
import http from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { MAX_EDGE_BODY_BYTES } from "../../src/wire/limits.ts";

export interface EdgeGuard {
  /** Scheme, host and port, without a trailing slash. */
  readonly url: string;
  /** What the edge would not have let through; a test asserts that it is empty. */
  readonly violations: readonly string[];
  stop(): Promise<void>;
}

/** Starts a guard in front of the worker at `workerUrl`. */
export async function startEdgeGuard(workerUrl: string): Promise<EdgeGuard> {
  const violations: string[] = [];
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    const violate = (what: string) => {
      violations.push(`${request.method} ${request.url}: ${what}`);
      response.destroy();
      upstream.destroy();
    };
    const upstream = http.request(workerUrl + request.url, { agent, method: request.method, headers: request.headers });
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > MAX_EDGE_BODY_BYTES) violate(`a body of more than ${MAX_EDGE_BODY_BYTES} bytes`);
    });
    request.pipe(upstream);
    upstream.on("response", (answer) => {
      // A refusal may come early; the edge then closes the request. An answer that streams alongside it may not.
      if (!request.complete && answer.statusCode === 200) return violate("an answer before the request had ended");
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    upstream.on("error", () => response.destroy());
    response.on("close", () => {
      // A caller that leaves must reach the handler, as it does at the edge: workerd takes a mere close for a half-close.
      if (!response.writableFinished) upstream.socket?.resetAndDestroy();
      upstream.destroy();
    });
  });
  server.on("upgrade", (request, client, head) => tunnel(new URL(workerUrl), request, client, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    violations,
    async stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await once(server, "close");
    },
  };
}

/** A WebSocket passes as it is; what breaks on one side breaks on the other. */
function tunnel(worker: URL, request: http.IncomingMessage, client: Duplex, head: Buffer): void {
  const upstream = connect(Number(worker.port), worker.hostname);
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
  }
  upstream.write(`${lines.join("\r\n")}\r\n\r\n`);
  upstream.write(head);
  client.pipe(upstream).pipe(client);
  client.on("error", () => {}).once("close", () => upstream.destroy());
  upstream.on("error", () => {}).once("close", () => client.destroy());
}
