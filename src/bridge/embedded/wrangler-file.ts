// Finds a project's wrangler file, without loading wrangler.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

/** Wrangler's names for its configuration, in the order wrangler looks for them. */
const NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** @throws BridgeError FAILED_PRECONDITION when there is none; `path` says where the config names the folder. */
export function findWranglerFile(folder: string, path = "worker"): string {
  const file = NAMES.map((name) => join(folder, name)).find((candidate) => existsSync(candidate));
  if (file !== undefined) return file;
  throw new BridgeError(
    GrpcCode.failedPrecondition,
    `${folder} has no wrangler.toml, wrangler.jsonc or wrangler.json; ${path}.project must name a Worker project`,
  );
}
