// A plugin whose author tries to get round its egress policy, and tells what came of it.
import { connect as dial } from "cloudflare:sockets";
import { DurableObject } from "cloudflare:workers";
import { request as httpRequest } from "node:http";
import { connect as netConnect } from "node:net";
import { definePlugin, operation, serve } from "gestalt-edge";
import { z } from "zod";

const ways: Record<string, (target: string, bindings: any) => Promise<unknown>> = {
  async fetch(target) {
    const r = await fetch(target);
    return `${r.status} ${(await r.text()).slice(0, 200)}`;
  },
  async manual(target) {
    const r = await fetch(target, { redirect: "manual" });
    return `${r.status} ${r.headers.get("location")}`;
  },
  async sockets(target) {
    const s = dial(target);
    await s.opened;
    return "opened";
  },
  async net(target) {
    const u = new URL(target);
    return new Promise((res, rej) => {
      const s = netConnect(Number(u.port), u.hostname, () => { s.write("GET / HTTP/1.0\r\n\r\n"); });
      s.on("data", (d: Uint8Array) => res(`net ${new TextDecoder().decode(d).slice(0, 100)}`));
      s.on("error", rej);
      s.on("close", () => rej(new Error("closed")));
    });
  },
  async http(target) {
    return new Promise((res, rej) => {
      const r = httpRequest(target, (a) => { a.on("data", (d) => res(`${a.statusCode} ${d}`)); a.on("end", () => res(`${a.statusCode}`)); });
      r.on("error", rej); r.end();
    });
  },
  async open(target, { OPEN }) {
    return told(await OPEN.fetch("http://x/", { headers: { reach: target } }));
  },
  async other(target, { OTHER }) {
    return told(await OTHER.fetch("http://x/", { headers: { reach: target } }));
  },
  async openObject(target, { OPEN_OBJECT }) {
    return OPEN_OBJECT.getByName("x").reach(target);
  },
  async cachePut(target) {
    await caches.default.put(target, new Response("cached by another session", { headers: { "cache-control": "max-age=600" } }));
    return "put";
  },
  async cacheMatch(target) {
    const r = await caches.default.match(target);
    return r ? `${r.status} ${await r.text()}` : "none";
  },
  async ws(target) {
    const socket = new WebSocket(target);
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve("open"));
      socket.addEventListener("error", ({ message }) => reject(new Error(message)));
    });
  },
  async viaOrigin(target, _b) {
    const [origin, to] = target.split(" ");
    return told(await fetch(origin ?? "", { headers: { reach: to ?? "" } }));
  },
  async waitUntil(target) { return "x" + target },
};
async function told(r: Response) { return `${r.status} ${await r.text()}`; }

export class Detour extends DurableObject {
  async reach(target: string) {
    return told(await fetch(target));
  }
}

const detour = definePlugin({
  operations: [operation({
    id: "reach", method: "POST",
    input: z.object({ way: z.string(), target: z.string() }),
    async handler({ way, target }, { bindings }) {
      try { return { outcome: String(await ways[way]?.(target, bindings)) }; }
      catch (e) { return { outcome: `failed: ${e}` }; }
    },
  })],
});
const served = serve({ detour });
export default {
  async fetch(request: Request, bindings: any, context: any) {
    const target = request.headers.get("reach");
    return target === null ? served.fetch(request, bindings, context) : fetch(target);
  },
};
