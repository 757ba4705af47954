// A plugin and a cache that misbehave on demand, for callers who do too.
import * as z from "zod";
import {
  connectionParam,
  defineCacheProvider,
  definePlugin,
  OperationError,
  operation,
  response,
  serve,
} from "../../src/worker/index.ts";

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

const THROWN: Record<string, () => unknown> = {
  text: () => "canary",
  undefined: () => undefined,
  null: () => null,
  object: () => ({ status: 200, body: "canary" }),
  bigint: () => 10n,
  symbol: () => Symbol("canary"),
  cyclic: () => cyclic,
  "error with a cyclic cause": () => new Error("canary", { cause: cyclic }),
  "getters that throw": () => ({
    toJSON: () => {
      throw new Error("canary");
    },
  }),
  "status that is none": () => new OperationError(Number.NaN, "canary"),
  "body that is no JSON": () => new OperationError(400, cyclic),
  "abort of its own": () => new DOMException("canary", "AbortError"),
};

const RETURNED: Record<string, () => unknown> = {
  bigint: () => 1n,
  cyclic: () => cyclic,
  "web response": () => new Response("canary"),
  "toJSON that throws": THROWN["getters that throw"] as () => unknown,
  "status 0": () => response(0, "canary"),
  "status 99": () => response(99, "canary"),
  "status 1000": () => response(1000, "canary"),
  "status NaN": () => response(Number.NaN, "canary"),
  "status as text": () => response("200" as never, "canary"),
};

const named = z.object({ what: z.string() });

const config = z.looseObject({
  mark: z.string().optional(),
  constructor: z.string().optional(),
  nap: z.int().default(0),
});

const hostile = definePlugin({
  config,
  async configure({ config: { mark, nap }, env, log }) {
    await new Promise((resolve) => setTimeout(resolve, nap));
    log.info("configured", { mark, MARK: env.MARK });
  },
  operations: [
    operation({ id: "__proto__", handler: () => "mine" }),
    operation({ id: "constructor", handler: () => "mine too" }),
    operation({ id: "echo", handler: (input) => input }),
    operation({
      id: "names",
      input: z.looseObject({ constructor: z.int().optional(), toString: z.string().default("absent") }),
      handler: (input) => Object.entries(input),
    }),
    operation({
      id: "throw",
      input: named,
      handler: ({ what }) => {
        throw THROWN[what]?.();
      },
    }),
    operation({ id: "return", input: named, handler: ({ what }) => RETURNED[what]?.() }),
    operation({ id: "list", input: z.object({ items: z.array(z.int()) }), handler: ({ items }) => items.length }),
    operation({ id: "strict", input: z.strictObject({}), handler: () => null }),
    operation({
      id: "secretive",
      input: z.object({ password: z.string().max(3), kind: z.enum(["a"]), pin: z.int(), url: z.url() }),
      handler: () => null,
    }),
    operation({
      id: "session",
      config,
      async handler(_, { config: seen, env, log, name }) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        log.info("seen", { mark: seen.mark, session: "forged", level: "forged" });
        return { name, config: seen, env };
      },
    }),
    operation({
      id: "inherited",
      handler: (_, { env, connectionParams }) => [typeof env.constructor, typeof connectionParams.constructor],
    }),
    operation({ id: "connection", handler: (_, request) => connectionParam(request, "constructor") }),
    operation({
      id: "overwrite",
      config,
      handler(_, { config: shared }) {
        shared.mark = "overwritten";
        return shared;
      },
    }),
    operation({
      id: "log",
      handler(_, { log }) {
        log.info("odd", { big: 1n, cyclic, fine: "fine" });
        return "logged";
      },
    }),
    operation({ id: "wait", handler: () => new Promise(() => setInterval(() => {}, 1000)) }),
  ],
});

const careless = defineCacheProvider({
  get: () => "canary" as never,
  set: () => undefined,
  delete: () => "canary" as never,
  touch: () => false,
});

export default serve({ hostile, careless });
