// Config of the runtime kind: a map of workers, chosen by a session's template or else by the plugin's name.
import * as z from "zod";
import type { JsonObject } from "../../wire/session-token.ts";
import { parseConfig } from "./explain.ts";
import { type WorkerConfig, workerSchema } from "./worker-config.ts";

export const runtimeConfigSchema = z.strictObject({
  workers: z
    .record(z.string().min(1), workerSchema)
    .refine((workers) => Object.keys(workers).length > 0, "needs at least one worker")
    .describe("Workers by name. A plugin runs on the one named by its runtime.template, else by its own name."),
});

export interface RuntimeConfig {
  readonly workers: ReadonlyMap<string, WorkerConfig>;
}

/** @throws BridgeError INVALID_ARGUMENT. */
export function parseRuntimeConfig(config: JsonObject, name: string): RuntimeConfig {
  return { workers: new Map(Object.entries(parseConfig(runtimeConfigSchema, config, name).workers)) };
}
