// Lets the official runner reach the worker: a forward proxy that adds a session token, which the runner has none of, and
// changes nothing else. The worker itself has no open mode.
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

export interface TokenProxy {
  readonly port: number;
  close(): Promise<void>;
}

export async function startTokenProxy(workerUrl: string, token: string): Promise<TokenProxy> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, answer) => {
    const { method = "", url = "", rawHeaders } = incoming;
    const headers = [...rawHeaders, "authorization", `Bearer ${token}`];
    const onward = request(workerUrl + url, { method, agent, headers: headers as unknown as Record<string, string> });
    onward.on("response", (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
      // Headers do not wait for a body that is long in coming, but go out in one packet with one that is there.
      setImmediate(() => answer.flushHeaders());
      pipeline(reply, answer, () => {});
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    pipeline(incoming, onward, () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
}
