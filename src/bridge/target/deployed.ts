// A deployed worker: a URL, the bridge's own key, and connections that outlive single calls.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { GrpcCode } from "../../wire/codes.ts";
import type { DeployedWorkerConfig } from "../config/worker-config.ts";
import { BridgeError } from "../errors.ts";
import { parseSigningKey, readSecret, type SecretContext } from "../session/signing-key.ts";
import { openPool } from "./pool.ts";
import type { Endpoint, Target } from "./target.ts";

/**
 * Reads keys and certificates; connects on the first call only. `path` is where the config stands, for messages.
 *
 * @throws BridgeError FAILED_PRECONDITION when one of them cannot be read.
 */
export async function openDeployedTarget(
  config: DeployedWorkerConfig,
  context: SecretContext,
  path = "worker",
): Promise<Target> {
  const url = new URL(config.url);
  const keyPath = `${path}.key`;
  const key = await parseSigningKey(await readSecret(config.key, keyPath, context), keyPath);
  const endpoint: Endpoint = {
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ""),
    dispatcher: openPool({ origin: url.origin, ca: await readAuthority(config, path, context.root), env: context.env }),
    headers: await accessHeaders(config, path, context),
    audience: config.name,
    key,
  };
  return {
    description: url.origin,
    endpoint: () => endpoint,
    connectFailed: () => undefined,
    close: () => endpoint.dispatcher.destroy(),
  };
}

async function readAuthority({ ca }: DeployedWorkerConfig, path: string, root: string): Promise<string | undefined> {
  if (ca === undefined) return undefined;
  const file = resolve(root, ca.file);
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? "error";
    const message = `${path}.ca: cannot read ${file} (${reason}); relative paths start at ${root}`;
    throw new BridgeError(GrpcCode.failedPrecondition, message);
  }
}

/** Cloudflare Access, "Service tokens": the two headers that let a machine pass. */
async function accessHeaders(
  config: DeployedWorkerConfig,
  path: string,
  context: SecretContext,
): Promise<Record<string, string>> {
  if (config.access === undefined) return {};
  const secret = await readSecret(config.access.clientSecret, `${path}.access.clientSecret`, context);
  return { "cf-access-client-id": config.access.clientId, "cf-access-client-secret": secret.trim() };
}
