// A plugin with one operation for each thing an operation can do, and one with nothing but the least.
import * as z from "zod";
import {
  connectionParam,
  definePlugin,
  HTTPSubjectError,
  OperationError,
  ok,
  operation,
  type PluginRequest,
  response,
  serve,
} from "../../src/worker/index.ts";

const config = z.object({ greeting: z.string().default("Hello"), fail: z.boolean().default(false) });

/** Everything of a request that is data. */
function dataOf({ signal: _, log: __, waitUntil: ___, bindings: ____, ...data }: PluginRequest) {
  return data;
}

const forTenant = (tenant: string) =>
  operation({
    id: "tenant.secret",
    title: `For ${tenant}`,
    input: z.object({}),
    handler: () => ({ tenant }),
  });

const described = operation({
  id: "things.find",
  method: "GET",
  title: "Find",
  description: "Finds things",
  readOnly: true,
  annotations: { idempotent: true, destructive: false, openWorld: true },
  requiredScopes: ["things:read"],
  allowedRoles: ["admin"],
  tags: ["things"],
  visible: true,
  input: z.object({
    query: z.string().min(2).describe("What to look for"),
    limit: z.coerce.number().int().max(50).default(10),
    deep: z.boolean().optional(),
    tags: z.array(z.string()).optional(),
    mode: z.enum(["a", "b"]).default("a"),
  }),
  output: z.object({ items: z.array(z.string()) }),
  parameters: { query: { location: "query", wireName: "q" }, deep: { internal: true } },
  handler: ({ query, limit, deep, tags, mode }) => ({
    items: [query, typeof limit, String(limit), String(deep), String(tags && JSON.stringify(tags)), mode],
  }),
});

const full = definePlugin({
  displayName: "Full",
  description: "Does it all",
  version: "2.0.0",
  config,
  configure: ({ config: { fail } }) => {
    if (fail) throw new Error("a secret");
  },
  connectionMode: "user",
  authTypes: ["oauth2"],
  connectionParams: { tenant: { required: true, description: "Which tenant", from: "url", field: "host" } },
  iconSvg: "<svg/>",
  operations: [
    described,
    operation({
      id: "greet",
      config,
      input: z.object({ name: z.string() }),
      output: z.object({ text: z.string() }),
      handler: ({ name }, request) => ({ text: `${request.config.greeting}, ${name}`, dropped: true }),
    }),
    operation({ id: "request", handler: (input, request) => ({ input, request: dataOf(request) }) }),
    operation({ id: "nothing", handler: () => undefined }),
    operation({ id: "ok", output: z.object({ a: z.int() }), handler: () => ok({ as: "given" }) }),
    operation({ id: "created", handler: () => response(201, { id: 1 }) }),
    operation({
      id: "status",
      input: z.object({ status: z.number() }),
      handler: ({ status }) => response(status, { status }),
    }),
    operation({
      id: "thrown",
      input: z.object({ status: z.number(), body: z.json().optional() }),
      handler: ({ status, body }) => {
        throw new OperationError(status, body);
      },
    }),
    operation({
      id: "crash",
      handler: () => {
        throw new Error("a secret");
      },
    }),
    operation({ id: "wrong-output", output: z.object({ a: z.int() }), handler: () => JSON.parse('{"a":"a secret"}') }),
    operation({ id: "unsendable", handler: () => ({ big: 1n }) }),
    operation({ id: "huge", handler: () => "x".repeat(5 * 1024 * 1024) }),
    operation({
      id: "hang",
      handler: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    }),
    operation({ id: "deaf", handler: () => new Promise(() => setInterval(() => {}, 1000)) }),
    operation({ id: "tenant", handler: (_, request) => connectionParam(request, "tenant") }),
    operation({
      id: "async",
      input: z.object({ id: z.string().refine(async (id) => id !== "taken", "is taken") }),
      handler: async ({ id }) => id,
    }),
    operation({
      id: "throws-in-schema",
      input: z.object({
        id: z.string().transform(() => {
          throw new Error("a secret");
        }),
      }),
      handler: ({ id }) => id,
    }),
    operation({
      id: "choice",
      input: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("one"), size: z.int() }),
        z.object({ kind: z.literal("two"), name: z.string() }),
      ]),
      handler: (choice) => choice,
    }),
    operation({ id: "hidden", visible: false, handler: () => 1 }),
  ],
  sessionCatalog: ({ connectionParams: { tenant = "" } }) => {
    if (tenant === "down") throw new Error("a secret");
    if (tenant === "redefines") return [operation({ id: "greet", handler: () => "another" })];
    return tenant === "" ? [] : [forTenant(tenant), { ...described, title: `Find for ${tenant}` }];
  },
  postConnect: ({ accessToken, expiresAt, scopes }, { name }) => ({
    owner: `${name}:${accessToken}:${scopes}`,
    expires: expiresAt?.toISOString() ?? "never",
  }),
  resolveHTTPSubject: (http, { externalIdentity, host }) => {
    if (http.headers["X-Reject"] !== undefined) throw new HTTPSubjectError(403, "not you");
    if (http.headers["X-Crash"] !== undefined) throw new Error("a secret");
    if (http.verifiedSubject === "") return undefined;
    const seen = [http.binding, http.query.a?.join(), new TextDecoder().decode(http.rawBody), http.params.p];
    return { id: http.verifiedSubject, displayName: [...seen, externalIdentity?.id, host.publicBaseUrl].join("|") };
  },
});

const least = definePlugin({ operations: { ping: operation({ handler: () => "pong" }) } });

export default serve({ full, least });
