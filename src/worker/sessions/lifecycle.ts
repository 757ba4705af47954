// Turns an author's options into the parts every provider has: info, config schema and lifecycle.
import { Code, ConnectError } from "@connectrpc/connect";
import { type $ZodType, toJSONSchema } from "zod/v4/core";
import { bareObject } from "../bare-object.ts";
import type { Call, ProviderRequest } from "../call.ts";
import { HostServiceMissingError, UnavailableError } from "../host/errors.ts";
import { loadHostServices } from "../host/host.ts";
import { assertOffered } from "../host/offered.ts";
import { type AnyHostUse, type HostUse, type Uses, usesOf } from "../host/uses.ts";
import type { ConfigSchema, HealthReport, Lifecycle, Provider, ProviderOptions } from "../provider.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { issuesOf, issuesText } from "./issues.ts";
import { OncePerSession } from "./once-per-session.ts";
import { parse } from "./parse.ts";
import { providerRequest, requestWith } from "./provider-request.ts";
import type { Session } from "./session.ts";
import { type Configured, isReady, markReady } from "./session-config.ts";

/** What `defineX` spreads into the provider it returns. `uses` are those of its parts too, where it has such. */
export function providerBase<Config, Use extends HostUse = AnyHostUse>(
  options: ProviderOptions<Config, Use>,
  uses: Uses | undefined = usesOf(options.uses),
): Pick<Provider, "info" | "configSchema" | "lifecycle" | "uses"> {
  const { config } = options;
  return {
    info: {
      displayName: options.displayName ?? "",
      description: options.description ?? "",
      version: options.version ?? "0.0.0",
    },
    configSchema:
      config && (() => toJSONSchema(zodOf(config), { io: "input", unrepresentable: "any" }) as Record<string, unknown>),
    lifecycle: lifecycleOf(options, uses),
    uses,
  };
}

/** The session's hooks as `serve` and the surfaces call them. */
function lifecycleOf<Config, Use extends HostUse>(
  options: ProviderOptions<Config, Use>,
  uses: Uses | undefined,
): Lifecycle {
  const visible = usesOf(options.uses) ?? uses;
  const configured = new OncePerSession<Configured<Config>>(async (session, call) => {
    assertOffered(session, uses);
    await loadHostServices(session.hosts, uses);
    const config = await parseConfig(options.config, session);
    await runHook("configure", options.configure, requestWith(call, config, visible), call);
    await runHook("start", options.start, requestWith(call, config, visible), call);
    return { config, closed: false };
  });
  return {
    configure(session, call) {
      if (isReady(session)) return undefined;
      return configured.get(session, call).then((result) => markReady(session, result));
    },
    healthCheck: (call) => health(options, providerRequest(call, visible), call),
    async warnings(call) {
      return (await options.warnings?.(providerRequest(call, visible))) ?? [];
    },
    async close(call) {
      // By session, not by token: the one that comes with the end may be the first of its name here.
      const ended = await configured.forget(call.session);
      if (ended === undefined) return;
      ended.closed = true;
      await options.close?.(requestWith(call, ended.config, visible));
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
async function runHook<Request>(
  name: string,
  hook: ((request: Request) => void | Promise<void>) | undefined,
  request: Request,
  call: Call,
): Promise<void> {
  try {
    await hook?.(request);
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    // Says which service to bind, and nothing of the config.
    if (error instanceof HostServiceMissingError) throw new ConnectError(error.message, error.code);
    call.log.error(`${name} failed`, { error });
    const { provider } = call.session;
    if (error instanceof UnavailableError) {
      const text = `provider '${provider}' could not reach the host service "${error.service}" in its ${name} hook`;
      throw new ConnectError(text, error.code);
    }
    throw new ConnectError(
      `provider '${provider}' failed in its ${name} hook; the worker's log has the cause`,
      Code.Internal,
    );
  }
}

async function health<Config, Use extends HostUse>(
  { healthCheck }: ProviderOptions<Config, Use>,
  request: ProviderRequest<Config, Use>,
  call: Call,
): Promise<Required<HealthReport>> {
  try {
    const report = await healthCheck?.(request);
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
