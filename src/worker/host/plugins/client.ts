// Other plugins.
import { PluginInvoker as PluginInvokerService } from "../../../gen/gestalt/provider/v1/plugin_invoker_pb.ts";
import type { JsonObject } from "../../../wire/session-token.ts";
import { withoutUndefined } from "../../without-undefined.ts";
import { hostCalls } from "../calls.ts";
import { countOf, structOf } from "../fields.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { unaryMethods } from "../unary-method.ts";

/**
 * Calls act for the subject of the request, by its invocation token. Without one, in a hook for example, they are
 * `FailedPreconditionError`. What a plugin may call stands in gestaltd's config; anything else is refused there.
 */
export interface PluginInvoker {
  /** Runs an operation of another plugin. An answer is an answer whatever its status: nothing is thrown for 404 or 500. */
  invoke(
    plugin: string,
    operation: string,
    params?: JsonObject,
    options?: PluginInvokeOptions,
  ): Promise<PluginInvocationResult>;
  /** Runs a GraphQL document against another plugin's GraphQL surface. */
  invokeGraphQL(
    plugin: string,
    document: string,
    variables?: JsonObject,
    options?: PluginInvokeOptions,
  ): Promise<PluginInvocationResult>;
  /** A token that allows these things and nothing else, for less time; never more than the request's own. A secret. */
  exchangeInvocationToken(grants: readonly PluginGrant[], options?: ExchangeOptions): Promise<string>;
}

export interface PluginInvokeOptions extends HostCallOptions {
  /** The connection whose credential is used; gestaltd's default when left out. */
  readonly connection?: string | undefined;
  /** Tells several credentials of one connection apart. */
  readonly instance?: string | undefined;
  /** Two calls with the same key should have one effect; the other plugin gets it. */
  readonly idempotencyKey?: string | undefined;
  /** In place of the request's own, for example one that was exchanged. A secret. */
  readonly invocationToken?: string | undefined;
}

export interface ExchangeOptions extends HostCallOptions {
  /** Lifetime in whole seconds; gestaltd chooses when left out. */
  readonly ttlSeconds?: number | undefined;
  /** The token to narrow; the request's own when left out. */
  readonly invocationToken?: string | undefined;
}

export interface PluginGrant {
  readonly plugin: string;
  /** Operation ids, or `"all"`. */
  readonly operations?: readonly string[] | "all" | undefined;
  /** Surfaces besides operations, such as `graphql`. */
  readonly surfaces?: readonly string[] | undefined;
}

export interface PluginInvocationResult {
  /** HTTP status. */
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  /** The body parsed; undefined when it is empty. Throws a SyntaxError when it is no JSON. */
  json(): unknown;
}

export function pluginInvokerClient(link: HostLink): PluginInvoker {
  const calls = hostCalls(PluginInvokerService, "plugins", link);
  const method = unaryMethods("plugins", link);

  const invoke = method(
    calls.invoke,
    ({ params, plugin, operation, options }: InvokeRequest, invocationToken) => ({
      plugin,
      operation,
      ...routing(options),
      ...withoutUndefined({ params: structOf(params, "params") }),
      invocationToken,
    }),
    resultOf,
  );
  const invokeGraphQL = method(
    calls.invokeGraphQL,
    ({ params, plugin, document, options }: GraphQLRequest, invocationToken) => ({
      plugin,
      document,
      ...routing(options),
      ...withoutUndefined({ variables: structOf(params, "variables") }),
      invocationToken,
    }),
    resultOf,
  );
  const exchange = method(
    calls.exchangeInvocationToken,
    ({ grants, ttlSeconds }: ExchangeRequest, parentInvocationToken) => ({
      parentInvocationToken,
      grants: grants.map(({ plugin, operations = [], surfaces = [] }) => ({
        plugin,
        ...(operations === "all" ? { allOperations: true } : { operations: [...operations] }),
        surfaces: [...surfaces],
      })),
      ttlSeconds: BigInt(countOf(ttlSeconds, "ttlSeconds", Number.MAX_SAFE_INTEGER)),
    }),
    ({ invocationToken }) => invocationToken,
  );
  return {
    invoke: (plugin, operation, params, options = {}) =>
      invoke({ plugin, operation, params, options, invocationToken: options.invocationToken }, options),
    invokeGraphQL: (plugin, document, variables, options = {}) =>
      invokeGraphQL(
        { plugin, document, params: variables, options, invocationToken: options.invocationToken },
        options,
      ),
    exchangeInvocationToken: (grants, options = {}) =>
      exchange({ grants, ttlSeconds: options.ttlSeconds, invocationToken: options.invocationToken }, options),
  };
}

interface Invocation {
  readonly plugin: string;
  readonly params: JsonObject | undefined;
  readonly options: PluginInvokeOptions;
  readonly invocationToken: string | undefined;
}
interface InvokeRequest extends Invocation {
  readonly operation: string;
}
interface GraphQLRequest extends Invocation {
  readonly document: string;
}
interface ExchangeRequest {
  readonly grants: readonly PluginGrant[];
  readonly ttlSeconds: number | undefined;
  readonly invocationToken: string | undefined;
}

/** The protocol says "absent" with an empty string. */
function routing({ connection = "", instance = "", idempotencyKey = "" }: PluginInvokeOptions) {
  return { connection, instance, idempotencyKey };
}

function resultOf({ status, body }: { readonly status: number; readonly body: string }): PluginInvocationResult {
  return { status, body, json: () => (body === "" ? undefined : JSON.parse(body)) };
}
