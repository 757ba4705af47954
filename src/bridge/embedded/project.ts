// A worker project: its wrangler file, read by wrangler itself, so that bindings mean here what they mean when deployed.
import { dirname, join } from "node:path";
import type { Unstable_Config, Unstable_MiniflareWorkerOptions } from "wrangler";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { findWranglerFile } from "./wrangler-file.ts";

export interface WorkerProject {
  /** Real path of the folder. */
  readonly folder: string;
  readonly configFile: string;
  /** The worker's name in the wrangler file. */
  readonly name: string;
  /** Path of the entry module. */
  readonly main: string;
  readonly config: Unstable_Config;
  /** Bindings and flags in Miniflare's form. */
  readonly miniflare: Unstable_MiniflareWorkerOptions;
  /** Files that, when changed, change what was read here. */
  readonly inputs: readonly string[];
}

const VARIABLE_FILES = [".dev.vars", ".env"];

/** @throws BridgeError FAILED_PRECONDITION that says what is wrong with the project and where. */
export async function readProject(folder: string): Promise<WorkerProject> {
  const configFile = findWranglerFile(folder);
  // Its notes ("Using secrets defined in …") would go to stdout; warnings stay.
  process.env.WRANGLER_LOG ??= "warn";
  const wrangler = await import("wrangler");
  try {
    const config = wrangler.unstable_readConfig({ config: configFile });
    const miniflare = wrangler.unstable_getMiniflareWorkerOptions(config);
    const main = miniflare.main ?? config.main;
    if (main === undefined) throw fault(`${configFile} names no entry module; add main = "src/worker.ts"`);
    if (config.name === undefined) throw fault(`${configFile} gives the worker no name; add name = "…"`);
    const inputs = [configFile, ...VARIABLE_FILES.map((name) => join(dirname(configFile), name))];
    return { folder, configFile, name: config.name, main, config, miniflare, inputs };
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw fault(`${configFile} is not a valid wrangler file: ${oneLine(error)}`);
  }
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/^Processing .* configuration:\s*/, "")
    .replace(/\s*\n\s*-?\s*/g, "; ")
    .replace(/^- /, "");
}

function fault(message: string): BridgeError {
  return new BridgeError(GrpcCode.failedPrecondition, message);
}
