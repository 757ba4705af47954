// What an operator has given as config: with the key `config:`, or without it and through the environment.
import { GrpcCode } from "../../wire/codes.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { CONFIG_VARIABLE, WORKER_VARIABLE } from "../environment.ts";
import { BridgeError } from "../errors.ts";

/**
 * What gestaltd adds for a provider, and passes on only where an entry has no `config:`: then at the top of a description of its own
 * (v0.0.1-alpha.20, bootstrap/provider_build.go `newScopedIndexedDBDef`, bootstrap.go for external credentials).
 */
const ADDED = [
  "table",
  "table_prefix",
  "database",
  "schema",
  "prefix",
  "encryptionKey",
  "resolvedConnections",
] as const;

/**
 * What an operator's `config:` says. Without one gestaltd sends its own description of the provider instead, with the command and every
 * resolved `env:` value in it (v0.0.1-alpha.20, config/runtime_config.go); of that only what it has added may reach a token.
 */
export function operatorConfig(config: JsonObject | undefined): JsonObject {
  if (config === undefined) return {};
  return isDescription(config) ? added(config) : config;
}

/**
 * The same for a kind whose config may be left out: {@link WORKER_VARIABLE} then gives the worker, {@link CONFIG_VARIABLE} the provider's
 * own keys.
 *
 * @throws BridgeError INVALID_ARGUMENT when one of them is no JSON object; names the variable and not its value.
 */
export function givenConfig(config: JsonObject | undefined, env: NodeJS.ProcessEnv): JsonObject {
  const leftOut = config === undefined || isDescription(config);
  const own = { ...(leftOut ? objectIn(CONFIG_VARIABLE, env) : {}), ...operatorConfig(config) };
  const worker = own.worker === undefined ? objectIn(WORKER_VARIABLE, env) : own.worker;
  return worker === undefined ? own : { ...own, worker };
}

function isDescription(config: JsonObject): boolean {
  return "command" in config && "manifestPath" in config && !("worker" in config);
}

function added(config: JsonObject): JsonObject {
  return Object.fromEntries(ADDED.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]])));
}

function objectIn(variable: string, env: NodeJS.ProcessEnv): JsonObject | undefined {
  const text = env[variable];
  if (text === undefined || text.trim() === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // The parser's message may quote the text.
  }
  throw new BridgeError(GrpcCode.invalidArgument, `the environment variable ${variable} must hold a JSON object`);
}
