// A session with an egress policy runs only where something enforces it; the bridge sees to that, and the worker checks.
import { Code, ConnectError } from "@connectrpc/connect";
import { EGRESS_GATE_BINDING } from "../../wire/bindings.ts";
import { hasCallContext } from "../async-context.ts";
import type { Bindings } from "../call.ts";
import type { Session } from "../sessions/session.ts";
import { throwDenials } from "./gate-errors.ts";
import { guardInstalled } from "./guard-state.ts";

/** Whether this worker keeps sessions to their policies. A guard that cannot tell for whom code runs is none to promise. */
export function enforcesEgress(): boolean {
  return guardInstalled() && hasCallContext;
}

/**
 * Throws FAILED_PRECONDITION when the session may reach certain hosts only and nothing here keeps it to them: the bridge is
 * older than its worker, or its policy came after the worker had been replaced.
 */
export function assertEnforced({ egress, name }: Session, bindings: Bindings): void {
  const isGated = bindings[EGRESS_GATE_BINDING] !== undefined;
  if (isGated) throwDenials();
  if (isGated || enforcesEgress() || (egress.default === "allow" && egress.allow.length === 0)) return;
  throw new ConnectError(
    `'${name}' may reach certain hosts only, and nothing enforces that in this worker; deploy it with --guard-egress`,
    Code.FailedPrecondition,
  );
}
