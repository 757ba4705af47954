// The runtime's targets: one per configured worker, opened when the first session needs it and shared by all.
import { GrpcCode } from "../../wire/codes.ts";
import type { RuntimeConfig } from "../config/runtime-config.ts";
import type { WorkerConfig } from "../config/worker-config.ts";
import { BridgeError } from "../errors.ts";
import type { SecretContext } from "../session/signing-key.ts";
import type { Target } from "../target/target.ts";

export interface WorkerTargets {
  /** Config of a worker; throws NOT_FOUND naming those there are. */
  find(name: string): WorkerConfig;
  /** The worker's target. A failed opening is tried again by the next caller. */
  open(name: string): Promise<Target>;
  close(): Promise<void>;
}

export function createWorkerTargets({ workers }: RuntimeConfig, context: SecretContext): WorkerTargets {
  const targets = new Map<string, Promise<Target>>();

  const find = (name: string): WorkerConfig => {
    const config = workers.get(name);
    if (config !== undefined) return config;
    const known = [...workers.keys()].join(", ");
    throw new BridgeError(
      GrpcCode.notFound,
      `the runtime's config has no worker "${name}", only ${known}; add it, or set the plugin's runtime.template to one of them`,
    );
  };
  const open = async (name: string): Promise<Target> => {
    const { openTarget } = await import("../target/open-target.ts");
    return openTarget(find(name), context, `workers.${name}`);
  };

  return {
    find,
    open(name) {
      const known = targets.get(name);
      if (known !== undefined) return known;
      const opening = open(name);
      targets.set(name, opening);
      opening.catch(() => targets.delete(name));
      return opening;
    },
    async close() {
      const opened = await Promise.allSettled(targets.values());
      await Promise.all(opened.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)));
    },
  };
}
