// Compile-only: what `request.host` has follows from what is declared, for operations, hooks and test requests.

import * as z from "zod";
import {
  defineCacheProvider,
  definePlugin,
  type HostServices,
  operation,
  type PluginRequest,
  type ProviderRequest,
  request,
} from "../../src/worker/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const assertType = <T extends true>(): T | undefined => undefined;

// A declared service is there, an optional one perhaps, any other not at all.
const cached = operation({
  uses: ["cache", "s3?"],
  input: z.object({ key: z.string() }),
  handler: async ({ key }, { host, config }) => {
    assertType<Equal<typeof config, unknown>>();
    assertType<Equal<typeof host.cache, HostServices["cache"]>>();
    assertType<Equal<typeof host.s3, HostServices["s3"] | undefined>>();
    assertType<Equal<typeof host.publicBaseUrl, string>>();
    // @ts-expect-error: not declared
    host.plugins;
    // @ts-expect-error: may be missing
    host.s3();
    return key;
  },
});

// Without `uses` any service may be there.
const undeclared = operation({
  handler: (_input, { host }) => {
    assertType<Equal<typeof host.cache, HostServices["cache"] | undefined>>();
    assertType<Equal<typeof host.agentHost, HostServices["agentHost"] | undefined>>();
    return null;
  },
});

// None is none.
operation({
  uses: [],
  handler: (_input, { host }) => {
    // @ts-expect-error: nothing is declared
    host.cache;
    return host.publicBaseUrl;
  },
});

const config = z.object({ retries: z.int() });

// With a config schema beside it, both types arrive.
const configured = operation({
  config,
  uses: ["plugins"],
  handler: (_input, request) => {
    assertType<Equal<typeof request, PluginRequest<{ retries: number }, "plugins">>>();
    return request.config.retries;
  },
});

// @ts-expect-error: there is no such service
operation({ uses: ["redis"], handler: () => 1 });

// A plugin takes operations whatever they use; its hooks see what it declares itself.
definePlugin({
  config,
  uses: ["cache"],
  operations: { cached, undeclared, configured },
  configure: (request) => {
    void request;
    assertType<Equal<typeof request, ProviderRequest<{ retries: number }, "cache">>>();
    assertType<Equal<typeof request.host.cache, HostServices["cache"]>>();
    assertType<Equal<keyof typeof request.host, "cache">>();
  },
  start: ({ host }) => void host.cache,
  warnings: ({ host }) => {
    // @ts-expect-error: not declared
    host.s3;
    return [];
  },
  sessionCatalog: ({ host }) => {
    assertType<Equal<typeof host.cache, HostServices["cache"]>>();
    return [cached];
  },
  postConnect: (_token, { host }) => {
    assertType<Equal<typeof host.cache, HostServices["cache"]>>();
    return {};
  },
  resolveHTTPSubject: (_http, { host }) => {
    assertType<Equal<typeof host.cache, HostServices["cache"]>>();
    return undefined;
  },
});
definePlugin({
  operations: [],
  configure: ({ host }) => {
    assertType<Equal<typeof host.s3, HostServices["s3"] | undefined>>();
  },
});
// @ts-expect-error: there is no such service
definePlugin({ operations: [], uses: ["cache", "redis"] });

defineCacheProvider({
  uses: ["indexedDB?"],
  get: (_input, { host }) => {
    assertType<Equal<typeof host.s3, HostServices["s3"] | undefined>>();
    return null;
  },
  set: () => undefined,
  delete: () => false,
  touch: () => false,
});

// Functions that take any request take these too, and helpers may say what they need.
declare function anyRequest(request: PluginRequest): void;
declare function needsCache(request: PluginRequest<unknown, "cache">): void;
declare const both: PluginRequest<{ retries: number }, "cache" | "s3">;
declare const other: PluginRequest<unknown, "s3">;
anyRequest(both);
needsCache(both);
// @ts-expect-error: has no cache
needsCache(other);
// @ts-expect-error: may have none
needsCache({} as PluginRequest);

// Requests of tests have what they are given.
declare const cache: HostServices["cache"];
needsCache(request({ host: { cache } }));
anyRequest(request());
anyRequest(request({ host: { publicBaseUrl: "https://gestalt.example" } }));
// @ts-expect-error: has no cache
needsCache(request());
