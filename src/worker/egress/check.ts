// Asks the policy of the session that the running code was started for.
import { hostAndPort, normaliseHost } from "../../wire/egress/host.ts";
import { decide, type EgressClaim, type EgressPolicy, parsePolicy } from "../../wire/egress/policy.ts";
import { currentCall } from "../async-context.ts";
import { EgressDeniedError } from "./error.ts";

const parsed = new WeakMap<EgressClaim, EgressPolicy>();

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "ws:": 80, "wss:": 443 };

/** Throws an {@link EgressDeniedError} when the session of the running code may not reach the URL's host. */
export function checkUrl({ protocol, hostname, port }: URL): void {
  checkHost(hostname, port === "" ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port));
}

/** Code that runs for no call has no policy, and may reach nothing: Durable Objects, timers of the worker's own, other handlers. */
export function checkHost(host: string, port: number): void {
  const call = currentCall();
  const target = hostAndPort(normaliseHost(host) ?? host, port);
  if (call === undefined) {
    throw new EgressDeniedError(target, "no session", `egress to ${target} is denied: the code runs for no call`);
  }
  const verdict = decide(policyOf(call.session.egress), host, port);
  if (verdict.allowed) return;
  call.log.warn(verdict.reason);
  throw new EgressDeniedError(target, verdict.rule, verdict.reason);
}

function policyOf(claim: EgressClaim): EgressPolicy {
  const known = parsed.get(claim) ?? parsePolicy(claim);
  parsed.set(claim, known);
  return known;
}
