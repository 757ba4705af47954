// PluginInvoker: other plugins, as functions of the test's; calls need an invocation token (reference §4.10).
import type { JsonObject } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { PluginInvoker } from "../../../src/gen/gestalt/provider/v1/plugin_invoker_pb.ts";

/** One operation of another plugin: its body as JSON, a {@link FakeResult}, or an error it throws. */
export type FakeOperation = (params: JsonObject, call: FakeInvocation) => unknown;

/** What came with the call. */
export interface FakeInvocation {
  readonly invocationToken: string;
  readonly connection: string;
  readonly instance: string;
  readonly idempotencyKey: string;
}

/** An answer with a status and a body as they are. */
export class FakeResult {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    this.status = status;
    this.body = body;
  }
}

/** Operations by plugin, then name; GraphQL's is called `graphql` and gets `document` and `variables`. */
export type FakePlugins = Readonly<Record<string, Readonly<Record<string, FakeOperation>>>>;

export function createPluginInvoker(plugins: FakePlugins): ServiceImpl<typeof PluginInvoker> {
  const run = async (plugin: string, operation: string, params: JsonObject, call: FakeInvocation) => {
    const { invocationToken, connection, instance, idempotencyKey } = call;
    if (invocationToken === "") throw new ConnectError("invocation token is required", Code.FailedPrecondition);
    const known = plugins[plugin]?.[operation];
    if (known === undefined) throw new ConnectError(`operation ${plugin}.${operation} not found`, Code.NotFound);
    const answer = await known(params, { invocationToken, connection, instance, idempotencyKey });
    return answer instanceof FakeResult ? { ...answer } : { status: 200, body: JSON.stringify(answer) };
  };
  return {
    invoke: (request) => run(request.plugin, request.operation, request.params ?? {}, request),
    invokeGraphQL: ({ plugin, document, variables, ...request }) =>
      run(plugin, "graphql", { document, variables: variables ?? {} }, request),
    exchangeInvocationToken({ parentInvocationToken, grants, ttlSeconds }) {
      if (parentInvocationToken === "") {
        throw new ConnectError("parent invocation token is required", Code.FailedPrecondition);
      }
      const granted = grants.map(({ plugin, operations, surfaces, allOperations }) =>
        [plugin, ...(allOperations ? ["*"] : operations), ...surfaces].join(":"),
      );
      const lifetime = ttlSeconds === 0n ? "" : `;${ttlSeconds}s`;
      return { invocationToken: `${parentInvocationToken}/${granted.join(",")}${lifetime}` };
    },
  };
}
