// Config of the kinds that are one provider (cache, s3, …): the bridge's key `worker`, and the provider's own keys.
import * as z from "zod";
import { GrpcCode } from "../../wire/codes.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { WORKER_VARIABLE } from "../environment.ts";
import { BridgeError } from "../errors.ts";
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
 * Splits the config gestaltd sent. `name` is gestaltd's name for the provider.
 *
 * @throws BridgeError INVALID_ARGUMENT when `worker` is missing or wrong.
 */
export function parseProviderConfig(config: JsonObject, name: string): ProviderConfig {
  if (config.worker === undefined)
    throw new BridgeError(GrpcCode.invalidArgument, `config of ${JSON.stringify(name)}: ${MISSING}`);
  const { worker } = parseConfig(providerConfigSchema, config, name);
  const { worker: _bridge, ...own } = config;
  return { worker, own };
}

const MISSING = `worker: is missing; it stands in config, or as JSON in ${WORKER_VARIABLE} under env`;
