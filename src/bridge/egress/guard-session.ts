// Puts a session where its egress policy is enforced, or refuses it: it never runs unguarded.
import { PluginRuntimeEgressMode } from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { Log, LogFields } from "../log.ts";
import type { Target } from "../target/target.ts";
import type { PluginEgress } from "./session-egress.ts";

export interface GuardedSession {
  readonly plugin: string;
  readonly target: Target;
  /** What the worker says it enforces itself; undefined for a session that goes on, whose worker was asked before. */
  readonly egressMode: PluginRuntimeEgressMode | undefined;
  readonly log: Log;
}

/**
 * The target for the session's calls. Not the one that is passed when a guard had to be made: then closing it gives the guard up.
 *
 * @throws BridgeError FAILED_PRECONDITION when nothing enforces the policy.
 */
export function guardTarget({ claim, guard }: PluginEgress, session: GuardedSession): Target {
  const { target, egressMode, plugin, log } = session;
  if (guard === undefined) return target;
  if (target.guarded !== undefined) return target.guarded(guard, logOf(plugin, log));
  // A deployed worker cannot use gestaltd's proxy; without a policy nobody is harmed by that.
  if (claim === undefined) return target;
  // One that was replaced since refuses the session's calls itself.
  if (egressMode === undefined || egressMode === PluginRuntimeEgressMode.HOSTNAME) return target;
  throw new BridgeError(
    GrpcCode.failedPrecondition,
    `plugin ${JSON.stringify(plugin)} may reach certain hosts only, and the worker at ${target.description} does not enforce that; ` +
      "run it on an embedded worker (worker.project), or remove its allowedHosts and the default action deny",
  );
}

function logOf(plugin: string, log: Log): Log {
  const named = (fields: LogFields = {}) => ({ plugin, ...fields });
  return {
    info: (message, fields) => log.info(message, named(fields)),
    warn: (message, fields) => log.warn(message, named(fields)),
    error: (message, fields) => log.error(message, named(fields)),
  };
}
