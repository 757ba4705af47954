// Another plugin by way of gestaltd: what `invokes` allows, what it does not, and a token that allows less.
import { PermissionDeniedError, type PluginInvoker } from "gestalt-edge";

export async function usePlugins(plugins: PluginInvoker) {
  const find = { query: "edge" };
  const narrowed = await plugins.exchangeInvocationToken([{ plugin: "search", operations: ["find"] }], {
    ttlSeconds: 60,
  });
  return {
    found: (await plugins.invoke("search", "find", find)).status,
    byNarrowed: (await plugins.invoke("search", "find", find, { invocationToken: narrowed })).status,
    wrongInput: (await plugins.invoke("search", "find", { query: "e" })).status,
    beyondNarrowed: await isDenied(plugins.invoke("search", "item", { id: "1" }, { invocationToken: narrowed })),
    notAllowed: await isDenied(plugins.invoke("search", "page", {})),
    tooMuch: await isDenied(plugins.exchangeInvocationToken([{ plugin: "search", operations: "all" }])),
  };
}

function isDenied(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => "it was not denied",
    (error: unknown) => error instanceof PermissionDeniedError || String(error),
  );
}
