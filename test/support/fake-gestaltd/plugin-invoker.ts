// PluginInvoker: other plugins, as functions of the test's; calls need an invocation token (reference §4.10).
import type { JsonObject } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { PluginInvoker } from "../../../src/gen/gestalt/provider/v1/plugin_invoker_pb.ts";

/** One operation of another plugin: its body as JSON, or an error it throws. */
export type FakeOperation = (params: JsonObject, call: { readonly invocationToken: string }) => unknown;

/** Operations by plugin, then name; GraphQL's is called `graphql` and gets `document` and `variables`. */
export type FakePlugins = Readonly<Record<string, Readonly<Record<string, FakeOperation>>>>;

export function createPluginInvoker(plugins: FakePlugins): ServiceImpl<typeof PluginInvoker> {
  const run = async (plugin: string, operation: string, params: JsonObject, invocationToken: string) => {
    if (invocationToken === "") throw new ConnectError("invocation token is required", Code.FailedPrecondition);
    const known = plugins[plugin]?.[operation];
    if (known === undefined) throw new ConnectError(`operation ${plugin}.${operation} not found`, Code.NotFound);
    return { status: 200, body: JSON.stringify(await known(params, { invocationToken })) };
  };
  return {
    invoke: ({ plugin, operation, params, invocationToken }) => run(plugin, operation, params ?? {}, invocationToken),
    invokeGraphQL: ({ plugin, document, variables, invocationToken }) =>
      run(plugin, "graphql", { document, variables: variables ?? {} }, invocationToken),
    exchangeInvocationToken({ parentInvocationToken, grants }) {
      if (parentInvocationToken === "") {
        throw new ConnectError("parent invocation token is required", Code.FailedPrecondition);
      }
      return { invocationToken: `${parentInvocationToken}/${grants.map(({ plugin }) => plugin).join(",")}` };
    },
  };
}
