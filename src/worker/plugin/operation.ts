// `operation({ … })`: one thing a plugin can do, with the schemas that type, check and describe it.
import type { $ZodType, input, output } from "zod/v4/core";
import type { HostServiceKey } from "../../wire/host-services.ts";
import type { AnyHostUse, HostUse } from "../host/uses.ts";
import type { ConfigSchema } from "../provider.ts";
import type { PluginRequest } from "./plugin-request.ts";
import type { OperationResponse } from "./response.ts";

/** Parameters by name: what an operation is called with. */
export type Parameters = Readonly<Record<string, unknown>>;

export type InputSchema = $ZodType<unknown, Parameters>;

export interface OperationOptions<
  Input extends InputSchema,
  Output extends $ZodType,
  Config,
  Use extends HostUse = AnyHostUse,
> {
  /**
   * Dot-separated segments of letters, digits, `_` and `-`, such as `issues.create`. May be left out where `operations`
   * is an object: its keys are the ids then.
   */
  readonly id?: string;
  /** HTTP method for information; gestaltd lets GET and POST reach every operation. `POST` when left out. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly title?: string;
  readonly description?: string;
  /** The plugin's config schema, for a handler that reads `request.config`: it gives that its type. */
  readonly config?: ConfigSchema<Config>;
  /**
   * Host services of gestaltd that the handler uses: it types `request.host`. `"s3?"` is one it also works without. They
   * count as the plugin's own; an operation without `uses` sees those of the plugin.
   */
  readonly uses?: readonly Use[];
  /**
   * Zod schema of the parameters, an object. Texts that GET sends become what it asks for, defaults apply, and what
   * does not fit answers 400. Without it the handler gets the parameters as they came.
   */
  readonly input?: Input;
  /** Zod schema of the result. What does not fit it answers 500; keys it does not know are left out. */
  readonly output?: Output;
  readonly annotations?: OperationAnnotations;
  /** The same as `annotations.readOnly`. */
  readonly readOnly?: boolean;
  /** OAuth scopes the credential needs. */
  readonly requiredScopes?: readonly string[];
  /** Roles that may call it; every role when left out. */
  readonly allowedRoles?: readonly string[];
  readonly tags?: readonly string[];
  /** `false` keeps it from being listed and called from outside. */
  readonly visible?: boolean;
  /** Facts for the catalog about single parameters. */
  readonly parameters?: { readonly [Name in keyof input<Input>]?: ParameterFacts };
  /**
   * Does the work. A plain result answers 200; `response()` and `OperationError` answer as they say; anything else
   * thrown answers 500. A result of `undefined` becomes JSON `null`.
   */
  readonly handler: (
    input: output<Input>,
    request: PluginRequest<Config, NoInfer<Use>>,
  ) => Result<Output> | Promise<Result<Output>>;
}

type Result<Output extends $ZodType> = input<Output> | OperationResponse;

/** Hints for models and user interfaces; nothing is enforced. Left out means unknown. */
export interface OperationAnnotations {
  /** Changes nothing. */
  readonly readOnly?: boolean;
  /** Repeating a call has no further effect. */
  readonly idempotent?: boolean;
  /** May destroy or overwrite data. */
  readonly destructive?: boolean;
  /** Reaches systems outside gestaltd. */
  readonly openWorld?: boolean;
}

export interface ParameterFacts {
  /** Where a REST form of the operation carries it. */
  readonly location?: "query" | "path" | "header" | "body";
  /** Its name there, when that differs. */
  readonly wireName?: string;
  /** Set by the host, not by callers. */
  readonly internal?: boolean;
}

/** An operation with its types folded away; `Config` is what its handler needs the plugin's config to be. */
export interface Operation<Config = unknown>
  extends Omit<OperationOptions<InputSchema, $ZodType, never, HostUse>, "handler" | "config" | "parameters"> {
  readonly parameters?: Readonly<Record<string, ParameterFacts | undefined>>;
  // A property, not a method: that way a handler that needs another config does not fit. Which host services it needs is no
  // matter of types here: those that `uses` names are there when it runs.
  readonly handler: (input: never, request: PluginRequest<Config, HostServiceKey>) => unknown;
}

/**
 * Types an operation.
 *
 * @example
 * operation({
 *   id: "greet",
 *   input: z.object({ name: z.string() }),
 *   output: z.object({ greeting: z.string() }),
 *   handler: ({ name }) => ({ greeting: `Hello, ${name}` }),
 * });
 */
export function operation<
  Input extends InputSchema = $ZodType<Parameters, Parameters>,
  Output extends $ZodType = $ZodType,
  Config = unknown,
  Use extends HostUse = AnyHostUse,
>(options: OperationOptions<Input, Output, Config, Use>): Operation<Config> {
  const { config: _, handler, ...definition } = options;
  return { ...definition, handler: handler as never };
}
