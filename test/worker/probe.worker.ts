// Providers that do what a test asks of them: the key of a cache call or the name of an object is the instruction.
import { Code, ConnectError } from "@connectrpc/connect";
import * as z from "zod";
import { Cache, CacheGetRequestSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import type { Call } from "../../src/worker/call.ts";
import { serve } from "../../src/worker/index.ts";
import type { Provider, ProviderOptions } from "../../src/worker/provider.ts";
import { providerBase } from "../../src/worker/sessions/lifecycle.ts";
import { providerRequest } from "../../src/worker/sessions/provider-request.ts";
import { surface } from "../../src/worker/surface.ts";

/** What happened in this isolate, by name; `count:<name>` reads it. */
const counts = new Map<string, number>();
const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

const text = (value: unknown) => ({ found: true, value: new TextEncoder().encode(JSON.stringify(value)) });

/** Never settles by itself; with `heed` it gives up when the signal aborts. */
function hang({ signal }: Call, heed: boolean): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      count("aborted");
      if (heed) reject(new ConnectError("gave up", Code.Aborted));
    });
    count("hanging");
  });
}

const instructions: Record<string, (argument: string, call: Call) => unknown> = {
  echo: text,
  bytes: (size) => ({ found: true, value: new Uint8Array(Number(size)) }),
  count: (name) => text(counts.get(name) ?? 0),
  session: (_, { session }) => text(session),
  request: (_, call) => {
    const { name, config, env } = providerRequest(call);
    return text({ name, config, env });
  },
  frozen: (_, { session }) => text([session, session.config, session.config?.deep].every(Object.isFrozen)),
  headers: (_, call) => text([...call.headers.keys()]),
  origin: (_, call) => text(call.origin),
  deadline: (_, call) => text(call.deadline === undefined ? null : call.deadline - Date.now()),
  crash: (secret) => {
    throw new Error(secret);
  },
  code: (code) => {
    throw new ConnectError(`asked for ${code}`, Number(code), { "x-reason": "asked" }, [
      { desc: CacheGetRequestSchema, value: { key: "detail" } },
    ]);
  },
  metadata: (_, call) => {
    call.responseHeaders.set("x-head", "first");
    call.responseTrailers.set("x-tail", "last");
    return text("sent");
  },
  hang: (_, call) => hang(call, true),
  deaf: (_, call) => hang(call, false),
};

const cache = surface(Cache, {
  get({ key }, call) {
    const colon = key.indexOf(":");
    return instructions[key.slice(0, colon)]?.(key.slice(colon + 1), call) as { found: boolean; value: Uint8Array };
  },
});

const objects = surface(S3, {
  /** `key` is the number of chunks; `fail` as version breaks off after them; `hang` never gets to the next one. */
  async *readObject({ ref }, call) {
    const [chunks, size] = [Number(ref?.key), 64 * 1024];
    count("reads");
    try {
      for (let sent = 0; sent < chunks; sent++) {
        count("chunks");
        yield { result: { case: "data", value: new Uint8Array(size) } };
      }
      if (ref?.versionId === "fail") throw new ConnectError("broke off", Code.DataLoss);
      if (ref?.versionId === "crash") throw new Error("a secret");
      if (ref?.versionId === "hang") await hang(call, false);
    } finally {
      count("reads closed");
    }
  },
  async writeObject(requests) {
    let size = 0;
    for await (const { msg } of requests) if (msg.case === "data") size += msg.value.byteLength;
    return { meta: { size: BigInt(size) } };
  },
});

function probe(options: ProviderOptions<unknown> = {}): Provider {
  return {
    kind: "cache",
    ...providerBase(options),
    surfaces: [cache, objects],
    routes: {
      "/raw": async (request, call) => new Response(`${call.session.name} ${(await request.arrayBuffer()).byteLength}`),
      "/raw/crash": () => Promise.reject(new Error("a secret")),
    },
    publicObjects: async (request, { provider }) => new Response(`${provider} ${new URL(request.url).pathname}`),
  };
}

const hooked = probe({
  displayName: "Hooked",
  version: "1.2.3",
  config: z.object({
    mode: z.enum(["good", "bad", "broken"]).default("good"),
    limits: z.object({ max: z.int() }).optional(),
  }),
  async configure({ name, config }) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    count(`configure ${name}`);
    if (JSON.stringify(config).includes("broken")) throw new Error("a secret");
  },
  start: ({ name }) => void count(`start ${name}`),
  healthCheck: ({ name }) => ({ ready: name !== "ill", message: name }),
  warnings: ({ name }) => {
    count(`warnings ${name}`);
    return [`careful with ${name}`];
  },
  close: ({ name }) => void count(`close ${name}`),
});

const sealed: Provider = { kind: "secrets", ...providerBase({}), surfaces: [] };

export default serve({ probe: probe(), hooked, sealed });
