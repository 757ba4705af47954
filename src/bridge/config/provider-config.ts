// Config of the kinds that are one provider (cache, s3, …): the bridge's key `worker`, and the provider's own keys.
import * as z from "zod";
import type { JsonObject } from "../../wire/session-token.ts";
import { parseConfig } from "./explain.ts";
import { type WorkerConfig, workerSchema } from "./worker-config.ts";

/** Every key but `worker` belongs to the provider (DESIGN §7), so nothing is said about them here. */
export const providerConfigSchema = z.looseObject({
  worker: workerSchema.describe("Which worker serves this provider."),
});

export interface ProviderConfig {
  readonly worker: WorkerConfig;
  /** What travels in the session token. */
  readonly own: JsonObject;
}

/**
 * What an operator's `config:` says. Without one gestaltd sends its own description of the provider instead, with every
 * resolved `env:` value in it (v0.0.1-alpha.20, config/runtime_config.go); that must never reach a token.
 */
export function operatorConfig(config: JsonObject | undefined): JsonObject {
  if (config === undefined) return {};
  const wrapped = "command" in config && "manifestPath" in config && !("worker" in config);
  return wrapped ? {} : config;
}

/**
 * Splits the config gestaltd sent. `name` is gestaltd's name for the provider.
 *
 * @throws BridgeError INVALID_ARGUMENT when `worker` is missing or wrong.
 */
export function parseProviderConfig(config: JsonObject, name: string): ProviderConfig {
  const { worker } = parseConfig(providerConfigSchema, config, name);
  const { worker: _bridge, ...own } = config;
  return { worker, own };
}
