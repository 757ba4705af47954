// A provider that makes the host calls a test asks for, and tells what became of them. One route for each kind.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Cache, CacheGetRequestSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import type { Call } from "../../src/worker/call.ts";
import { HostChannel as Channel } from "../../src/worker/channel/host-channel.ts";
import { CONNECTION_TIMES } from "../../src/worker/channel/limits.ts";
import { serve } from "../../src/worker/index.ts";
import type { Provider } from "../../src/worker/provider.ts";
import { providerBase } from "../../src/worker/sessions/lifecycle.ts";
import type { Ask } from "./ask.ts";

// workerd says nothing of them by itself.
addEventListener("unhandledrejection", ({ reason }) => console.warn("unhandled rejection:", reason));

/** As it is, but for how long it waits. */
export class HostChannel extends Channel {
  /** As when the platform ends an object: at a redeploy, or for want of memory. */
  crash(): void {
    this.ctx.abort("crashed");
  }

  protected override times() {
    return {
      ...CONNECTION_TIMES,
      reconnectWait: 1_500,
      supersededLinger: 1_500,
      silence: 100,
      pingWait: 1_200,
      watchInterval: 50,
    };
  }
}

/** Written to by routes, so that other requests can see how far they are. */
const progress = new Map<string, number>();

type Route = (ask: Ask, call: Call) => Promise<unknown>;

const routes: Readonly<Record<string, Route>> = {
  async get(ask, call) {
    const aborter = new AbortController();
    if (ask.stop !== undefined) void told(ask.stop).then(() => aborter.abort());
    let trailer: unknown;
    const client = createClient(Cache, call.hostTransport(ask.service ?? "CACHE"));
    const { value } = await client.get(
      { key: ask.key ?? "x".repeat(ask.size ?? 1) },
      {
        ...optionsOf(ask),
        signal: aborter.signal,
        onTrailer: (headers) => {
          trailer = Object.fromEntries(headers);
        },
      },
    );
    return { value: new TextDecoder().decode(value), trailer };
  },

  /** Many at once, in one request. */
  async many({ count = 0 }, call) {
    const client = createClient(Cache, call.hostTransport("CACHE"));
    const keys = Array.from({ length: count }, (_, index) => `key-${index}`);
    const values = await Promise.all(
      keys.map(async (key) => new TextDecoder().decode((await client.get({ key })).value)),
    );
    return { same: values.every((value, index) => value === keys[index]), count: values.length };
  },

  /** One after the other. */
  async chain({ count = 0 }, call) {
    const client = createClient(Cache, call.hostTransport("CACHE"));
    for (let i = 0; i < count; i++) await client.get({ key: "x" });
    return { count };
  },

  async read(ask, call) {
    const aborter = new AbortController();
    if (ask.stop !== undefined) void told(ask.stop).then(() => aborter.abort());
    const client = createClient(S3, call.hostTransport("S3"));
    const seen = { messages: 0, bytes: 0 };
    const trailers: unknown[] = [];
    const replies = client.readObject(
      { ref: { key: ask.key ?? "" } },
      { ...optionsOf(ask), signal: aborter.signal, onTrailer: (headers) => trailers.push(...headers) },
    );
    return orFailure(seen, async () => {
      for await (const { result } of replies) {
        seen.messages += 1;
        seen.bytes += result.case === "data" ? result.value.length : 0;
        progress.set(ask.key ?? "", seen.messages);
        if (seen.messages === ask.abortAfter) aborter.abort();
        if (ask.pauseMs !== undefined) await scheduler.wait(ask.pauseMs);
      }
      return { ...seen, trailers };
    });
  },

  async write(ask, call) {
    const client = createClient(S3, call.hostTransport("S3"));
    const data = new Uint8Array(ask.size ?? 1);
    const seen = { sent: 0, closed: false };
    async function* messages() {
      try {
        for (; seen.sent < (ask.count ?? 0); seen.sent++) {
          if (ask.key === "throws" && seen.sent === 2) {
            await told("throws");
            throw new ConnectError("no more", Code.DataLoss);
          }
          if (ask.key === "stuck") progress.set(ask.key, seen.sent);
          yield { msg: { case: "data" as const, value: data } };
        }
      } finally {
        seen.closed = true;
      }
    }
    return orFailure(seen, async () => {
      const { meta } = await client.writeObject(messages(), optionsOf(ask));
      return { ...seen, size: Number(meta?.size) };
    });
  },

  /** Says something, waits for the answer, and so on. */
  async talk(ask, call) {
    const client = createClient(IndexedDB, call.hostTransport("INDEXEDDB"));
    const turns = { asked: 0, answered: 0 };
    let answered = Promise.withResolvers<void>();
    async function* messages() {
      for (; turns.asked < (ask.count ?? 0); turns.asked++) {
        yield { msg: { case: "command" as const, value: { command: { case: "next" as const, value: true } } } };
        await answered.promise;
        answered = Promise.withResolvers();
      }
    }
    return orFailure(turns, async () => {
      for await (const { result } of client.openCursor(messages(), optionsOf(ask))) {
        if (result.case === "done") turns.answered += 1;
        answered.resolve();
      }
      return turns;
    });
  },

  /** Leaves a stream after its first reply without a word, and stays for a while. */
  async leave(ask, call) {
    const client = createClient(S3, call.hostTransport("S3"));
    for await (const _ of client.readObject({ ref: { key: "left" } }, optionsOf(ask))) break;
    return {};
  },

  /** What a provider's own code can do with the binding. */
  async direct({ token = "", object = [] }, call) {
    const namespace = call.bindings.GESTALT_EDGE_CHANNEL as DurableObjectNamespace<HostChannel>;
    const stub = namespace.get(namespace.idFromName(JSON.stringify(object)));
    const init = { service: "CACHE", path: "/x/Y", streaming: "unary", metadata: [], timeoutMs: 1_000 } as const;
    using session = await stub.session(token);
    const { status } = await session.calls.unary(1, init, new Uint8Array());
    const upgrade = { headers: { authorization: `Bearer ${token}`, upgrade: "websocket" } };
    const response = await stub.fetch("https://object/", upgrade);
    response.webSocket?.accept();
    response.webSocket?.close();
    return { code: status?.code, message: status?.message, status: response.status };
  },

  async crash({ object = [] }, call) {
    const namespace = call.bindings.GESTALT_EDGE_CHANNEL as DurableObjectNamespace<HostChannel>;
    await namespace
      .get(namespace.idFromName(JSON.stringify(object)))
      .crash()
      .catch(() => {});
    return {};
  },

  /** How far another request is; with a count, says so to it. */
  async progress({ key = "", count }) {
    if (count !== undefined) progress.set(key, count);
    return progress.get(key) ?? null;
  },
};

/** Resolves when another request has said something under this key. */
async function told(key: string): Promise<void> {
  while (!progress.has(key)) await scheduler.wait(5);
}

function optionsOf({ timeoutMs, headers }: Ask) {
  return { ...(timeoutMs !== undefined && { timeoutMs }), ...(headers && { headers }) };
}

async function orFailure<T>(seen: object, work: () => Promise<T>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return { ...seen, ...failureOf(error) };
  }
}

function failureOf(error: unknown) {
  if (!(error instanceof ConnectError)) return { failure: "Other", message: String(error) };
  return {
    failure: Code[error.code],
    message: error.rawMessage,
    metadata: Object.fromEntries(error.metadata),
    details: error.findDetails(CacheGetRequestSchema).map(({ key }) => key),
  };
}

const caller: Provider = {
  kind: "cache",
  ...providerBase({}),
  surfaces: [],
  routes: Object.fromEntries(
    Object.entries(routes).map(([name, route]) => [
      `/${name}`,
      async (request: Request, call: Call) => {
        const ask: Ask = await request.json();
        return Response.json(await orFailure({}, () => route(ask, call)));
      },
    ]),
  ),
};

export default serve({ caller, other: caller });
