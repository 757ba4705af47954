// Compile-only: what authors may write compiles, and each wrong use is an error where they make it.

import * as z from "zod";
import * as mini from "zod/mini";
import {
  definePlugin,
  OperationError,
  operation,
  type Provider,
  type ProviderRequest,
  response,
  serve,
} from "../../src/worker/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const assertType = <T extends true>(): T | undefined => undefined;

const config = z.object({ url: z.url(), retries: z.int().default(3) });
const otherConfig = z.object({ key: z.string() });

// Input, output and config flow into the handler.
const typed = operation({
  id: "typed",
  config,
  input: z.object({ count: z.coerce.number().default(1), name: z.string().optional() }),
  output: z.object({ total: z.number().default(0) }),
  parameters: { count: { wireName: "n" } },
  handler: (input, request) => {
    assertType<Equal<typeof input, { count: number; name?: string | undefined }>>();
    assertType<Equal<typeof request.config, { url: string; retries: number }>>();
    assertType<Equal<typeof request.token, string>>();
    // @ts-expect-error: there is no such input
    input.size;
    // @ts-expect-error: a subject may be absent
    request.subject.id;
    // @ts-expect-error: requests are read-only
    request.token = "";
    // What has a default may be left out of the result.
    return {};
  },
});

// Without schemas the input is the parameters as they came, and any result goes.
operation({ id: "loose", handler: (input) => assertType<Equal<typeof input, Readonly<Record<string, unknown>>>>() });

// zod/mini schemas and unions of objects serve as well; async handlers, responses and errors too.
operation({ id: "mini", input: mini.object({ a: mini.string() }), handler: async ({ a }) => a.length });
operation({
  id: "union",
  input: z.union([z.object({ a: z.string() }), z.object({ b: z.int() })]),
  output: z.string(),
  handler: (input) => {
    if (!("a" in input)) throw new OperationError(400, { error: "no" });
    return input.a === "" ? response(204, null) : Promise.resolve(input.a);
  },
});

// @ts-expect-error: the result lacks what the output schema wants
operation({ id: "a", output: z.object({ n: z.number() }), handler: () => ({}) });
// @ts-expect-error: so does a promised one
operation({ id: "a", output: z.object({ n: z.number() }), handler: async () => ({ n: "1" }) });
// @ts-expect-error: input is an object
operation({ id: "a", input: z.string(), handler: () => 1 });
// @ts-expect-error: and no list
operation({ id: "a", input: z.array(z.string()), handler: () => 1 });
// @ts-expect-error: facts are about parameters that exist
operation({ id: "a", input: z.object({ q: z.string() }), parameters: { x: { internal: true } }, handler: () => 1 });
// @ts-expect-error: a handler is required
operation({ id: "a" });
// @ts-expect-error: methods are those of HTTP
operation({ id: "a", method: "FETCH", handler: () => 1 });
// @ts-expect-error: misspelt options are no options
operation({ id: "a", titel: "x", handler: () => 1 });

// A plugin takes operations that need its config, less, or none.
const plugin = definePlugin({
  config,
  operations: [typed, operation({ id: "plain", handler: () => 1 })],
  configure: (request) => {
    assertType<Equal<typeof request, ProviderRequest<{ url: string; retries: number }>>>();
  },
  healthCheck: async ({ config: { url } }) => ({ ready: url !== "" }),
  warnings: ({ config: { retries } }) => (retries > 5 ? ["many retries"] : []),
  sessionCatalog: (request) => (request.config.retries > 0 ? [typed] : []),
  postConnect: (_token, { config: { url } }) => ({ url }),
});
assertType<Equal<typeof plugin, Provider>>();
definePlugin({ operations: { byKey: operation({ handler: () => 1 }) } });

// @ts-expect-error: the operation needs a config that this plugin does not have
definePlugin({ operations: [typed] });
// @ts-expect-error: nor this one
definePlugin({ config: otherConfig, operations: [typed] });
// @ts-expect-error: operations are made with operation()
definePlugin({ operations: [() => 1] });
// @ts-expect-error: operations are required
definePlugin({ displayName: "x" });
// @ts-expect-error: hooks see the config's type
definePlugin({ config, operations: [], start: ({ config: { nothing } }) => nothing });
// @ts-expect-error: metadata of a connection is texts
definePlugin({ operations: [], postConnect: () => ({ n: 1 }) });

// A worker serves providers, and is what Cloudflare takes for one.
export const worker: ExportedHandler = serve({ plugin });
// @ts-expect-error: an operation is no provider
serve({ typed });
