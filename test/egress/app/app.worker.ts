// A plugin that reaches out in every way a worker can, and tells what came of it.
import { connect } from "cloudflare:sockets";
import { DurableObject, waitUntil } from "cloudflare:workers";
import { definePlugin, EgressDeniedError, operation, serve } from "gestalt-edge";
import { z } from "zod";

/** Longest wait for an answer of a raw connection, in milliseconds. */
const PATIENCE_MS = 10_000;

/** Long enough for a host to send all it is let, in milliseconds. */
const SLOWNESS_MS = 300;

const POLL_MS = 10;

const ways = {
  async fetch(target: string) {
    const response = await fetch(target);
    return `${response.status} ${await response.text()}`;
  },
  async post(target: string) {
    const response = await fetch(target, { method: "POST", body: "x".repeat(200_000) });
    return `${response.status} ${(await response.text()).length}`;
  },
  /** Takes a little of an answer, waits, then leaves the rest. */
  async "first chunk"(target: string) {
    const { body, status } = await fetch(target);
    const reader = body?.getReader();
    await reader?.read();
    await scheduler.wait(SLOWNESS_MS);
    await reader?.cancel();
    return String(status);
  },
  /** A header that names another host than the URL. */
  async "other host header"(target: string) {
    const response = await fetch(target, { headers: { host: "elsewhere.example" } });
    return `${response.status} ${await response.text()}`;
  },
  async webSocket(target: string) {
    const socket = new WebSocket(target);
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => socket.send("hello"));
      socket.addEventListener("message", ({ data }) => {
        socket.close();
        resolve(String(data));
      });
      socket.addEventListener("error", ({ message }) => reject(new Error(message)));
    });
  },
  async "upgrading fetch"(target: string) {
    const { status, webSocket } = await fetch(target, { headers: { upgrade: "websocket" } });
    webSocket?.accept();
    webSocket?.close();
    return `${status} ${webSocket !== null}`;
  },
  /** Keeps a connection open until somebody else ends it. */
  async hold(target: string) {
    const socket = connect(target);
    await socket.opened;
    await new Response(socket.readable).text();
    return "ended";
  },
  /** The same, beyond its answer. */
  async "leave open"(target: string) {
    waitUntil(ways.hold(target));
    return "left";
  },
  /** Hears nothing of what came of it. */
  async beacon(target: string) {
    return navigator.sendBeacon(target, "hello");
  },
  async connect(target: string) {
    const socket = connect(target);
    await socket.opened;
    return said(socket);
  },
  async "secure connect"(target: string) {
    return said(connect(target, { secureTransport: "on", allowHalfOpen: true }));
  },
  async "start TLS"(target: string) {
    const socket = connect(target, { secureTransport: "starttls", allowHalfOpen: true });
    const [writer, reader] = [socket.writable.getWriter(), socket.readable.getReader()];
    await writer.write(new TextEncoder().encode("STARTTLS"));
    const { value } = await reader.read();
    writer.releaseLock();
    reader.releaseLock();
    return `${new TextDecoder().decode(value)}, ${await said(socket.startTls())}`;
  },
};

async function said({ readable, writable }: Socket): Promise<unknown> {
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("hello"));
  await writer.close();
  return Promise.race([new Response(readable).text(), scheduler.wait(PATIENCE_MS)]);
}

type Way = keyof typeof ways;

async function outcome(way: Way, target: string): Promise<string> {
  try {
    return String(await ways[way](target));
  } catch (error) {
    if (error instanceof EgressDeniedError) return `denied ${error.host} by ${error.rule}: ${error.message}`;
    return `failed: ${error instanceof Error ? error.message : error}`;
  }
}

export class Reacher extends DurableObject {
  reach(way: Way, target: string): Promise<string> {
    return outcome(way, target);
  }

  /** Reaches from an alarm, which runs for no call. */
  async reachLater(way: Way, target: string): Promise<string> {
    await this.ctx.storage.put("wanted", { way, target });
    await this.ctx.storage.delete("came");
    await this.ctx.storage.setAlarm(Date.now());
    for (;;) {
      const came = await this.ctx.storage.get<string>("came");
      if (came !== undefined) return came;
      await scheduler.wait(POLL_MS);
    }
  }

  override async alarm(): Promise<void> {
    const wanted = await this.ctx.storage.get<{ way: Way; target: string }>("wanted");
    if (wanted !== undefined) await this.ctx.storage.put("came", await outcome(wanted.way, wanted.target));
  }
}

interface Own {
  readonly REACHER: DurableObjectNamespace<Reacher>;
  readonly SELF: Fetcher;
}

const reacher = definePlugin({
  displayName: "Reacher",
  operations: [
    operation({
      id: "reach",
      method: "POST",
      input: z.object({
        way: z.string(),
        target: z.string(),
        from: z.enum(["handler", "object", "alarm", "self"]).optional(),
      }),
      async handler({ way, target, from }, { bindings }) {
        const { REACHER, SELF } = bindings as unknown as Own;
        if (from === "object") return { outcome: await REACHER.getByName("one").reach(way as Way, target) };
        if (from === "alarm") return { outcome: await REACHER.getByName("one").reachLater(way as Way, target) };
        if (from === "self")
          return { outcome: await SELF.fetch("http://self/", { headers: { reach: target } }).then(told) };
        return { outcome: await outcome(way as Way, target) };
      },
    }),
  ],
});

async function told(response: Response): Promise<string> {
  return `${response.status} ${await response.text()}`;
}

const served = serve({ reacher });

export default {
  fetch(request, bindings, context) {
    const target = request.headers.get("reach");
    return target === null ? served.fetch(request, bindings, context) : fetch(target);
  },
} satisfies ExportedHandler;
