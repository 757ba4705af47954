// Stands in front of a local workerd and refuses what the real edge refuses and workerd does not: an answer before the
// request has ended (full duplex), and bodies over the platform's cap. Everything else passes byte for byte.
// Sources: field notes §0.2 (full duplex), Workers platform limits (request body).
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
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
    response.on("close", () => upstream.destroy());
  });
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
