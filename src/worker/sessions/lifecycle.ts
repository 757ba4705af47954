// Turns an author's options into the parts every provider has: info, config schema and lifecycle.
import { Code, ConnectError } from "@connectrpc/connect";
import { type $ZodType, toJSONSchema } from "zod/v4/core";
import { bareObject } from "../bare-object.ts";
import type { Call } from "../call.ts";
import type { ConfigSchema, HealthReport, Lifecycle, Provider, ProviderOptions } from "../provider.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { issuesOf, issuesText } from "./issues.ts";
import { OncePerSession } from "./once-per-session.ts";
import { parse } from "./parse.ts";
import { providerRequest, requestWith } from "./provider-request.ts";
import type { Session } from "./session.ts";
import { type Configured, isReady, markReady } from "./session-config.ts";

/** What `defineX` spreads into the provider it returns. */
export function providerBase<Config>(
  options: ProviderOptions<Config>,
): Pick<Provider, "info" | "configSchema" | "lifecycle"> {
  const { config } = options;
  return {
    info: {
      displayName: options.displayName ?? "",
      description: options.description ?? "",
      version: options.version ?? "0.0.0",
    },
    configSchema:
      config && (() => toJSONSchema(zodOf(config), { io: "input", unrepresentable: "any" }) as Record<string, unknown>),
    lifecycle: lifecycleOf(options),
  };
}

/** The session's hooks as `serve` and the surfaces call them. */
export function lifecycleOf<Config>(options: ProviderOptions<Config>): Lifecycle {
  const configured = new OncePerSession<Configured<Config>>(async (session, call) => {
    const config = await parseConfig(options.config, session);
    await runHook(options, "configure", call, config);
    await runHook(options, "start", call, config);
    return { config, closed: false };
  });
  return {
    configure(session, call) {
      if (isReady(session)) return undefined;
      return configured.get(session, call).then((result) => markReady(session, result));
    },
    healthCheck: (call) => health(options, call),
    async warnings(call) {
      return (await options.warnings?.(providerRequest(call))) ?? [];
    },
    async close(call) {
      // By session, not by token: the one that comes with the end may be the first of its name here.
      const ended = await configured.forget(call.session);
      if (ended === undefined) return;
      ended.closed = true;
      await options.close?.(requestWith(call, ended.config));
    },
  };
}

async function parseConfig<Config>(schema: ConfigSchema<Config> | undefined, session: Session): Promise<Config> {
  const { config, provider } = session;
  if (config === undefined) {
    throw new ConnectError(
      `provider '${provider}' has no config yet: gestaltd configures a provider before it calls it`,
      Code.FailedPrecondition,
    );
  }
  if (schema === undefined) return config as Config;
  const result = await parse(zodOf(schema), bareObject(config));
  if (result.success) return deepFreeze(result.data);
  throw new ConnectError(
    `config of provider '${provider}' is not valid: ${issuesText(issuesOf(result.error))}`,
    Code.InvalidArgument,
  );
}

/** A failing hook's own text may hold secrets from the config: it goes to the log, and the operator is told to look. */
async function runHook<Config>(
  options: ProviderOptions<Config>,
  hook: "configure" | "start",
  call: Call,
  config: Config,
): Promise<void> {
  try {
    await options[hook]?.(requestWith(call, config));
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    call.log.error(`${hook} failed`, { error });
    throw new ConnectError(
      `provider '${call.session.provider}' failed in its ${hook} hook; the worker's log has the cause`,
      Code.Internal,
    );
  }
}

async function health<Config>(options: ProviderOptions<Config>, call: Call): Promise<Required<HealthReport>> {
  try {
    const report = await options.healthCheck?.(providerRequest(call));
    return { ready: report?.ready ?? true, message: report?.message ?? "" };
  } catch (error) {
    call.log.error("healthCheck failed", { error });
    return { ready: false, message: "the provider's health check failed; the worker's log has the cause" };
  }
}

/** The public option type names only what inference needs, so that authors' editors show no zod internals. */
function zodOf<Config>(schema: ConfigSchema<Config>): $ZodType<Config> {
  return schema as unknown as $ZodType<Config>;
}
