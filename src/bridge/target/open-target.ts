// Opens the target that a worker config names.
import type { WorkerConfig } from "../config/worker-config.ts";
import type { SecretContext } from "../session/signing-key.ts";
import { openDeployedTarget } from "./deployed.ts";
import { openEmbeddedTarget } from "./embedded.ts";
import type { Target } from "./target.ts";

/**
 * Reads what the config refers to; connects on the first call only. `path` is where the config stands, for messages.
 * Rejects with a {@link BridgeError}.
 */
export async function openTarget(config: WorkerConfig, context: SecretContext, path?: string): Promise<Target> {
  return config.type === "embedded"
    ? openEmbeddedTarget(config, context, path)
    : openDeployedTarget(config, context, path);
}
