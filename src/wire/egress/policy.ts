// Which hosts a session may reach. Pure: both sides ask it, whoever enforces the answer.
//
// The meaning is gestaltd's (services/egress): a list that is not empty is all there is, whatever the default action says;
// the default action decides for an empty list, and is "allow" when gestaltd sends none. Ports, IPv6, punycode and
// trailing dots are beyond what gestaltd compares.
import { hostAndPort, normaliseHost } from "./host.ts";
import { type EgressRule, parseRule, ruleMatches } from "./rule.ts";

/** As it travels in a session token. `default` is what holds for a host that no entry of `allow` matches. */
export interface EgressClaim {
  readonly allow: readonly string[];
  readonly default: "allow" | "deny";
}

export interface EgressPolicy {
  readonly claim: EgressClaim;
  readonly rules: readonly EgressRule[];
  /** Entries that match nothing, because they are no rules. */
  readonly unusable: readonly string[];
}

/** `rule` names what decided: an entry of the list, `allowed_hosts` when none matched, or the default action. */
export type Verdict = { readonly allowed: true; readonly rule: string } | Denial;

export interface Denial {
  readonly allowed: false;
  readonly rule: string;
  /** A sentence. */
  readonly reason: string;
}

/** What StartPlugin says, as a claim; undefined when it restricts nothing. */
export function egressClaim(allowedHosts: readonly string[], defaultAction: string): EgressClaim | undefined {
  const allow = allowedHosts.map((entry) => entry.trim()).filter((entry) => entry !== "");
  if (allow.length > 0) return { allow, default: "deny" };
  // An action that nobody knows yet is not taken for permission.
  return defaultAction === "" || defaultAction === "allow" ? undefined : { allow, default: "deny" };
}

export function parsePolicy(claim: EgressClaim): EgressPolicy {
  const parsed = claim.allow.map((entry) => ({ entry, rule: parseRule(entry) }));
  return {
    claim,
    rules: parsed.flatMap(({ rule }) => rule ?? []),
    unusable: parsed.filter(({ rule }) => rule === undefined).map(({ entry }) => entry),
  };
}

/** Whether `host`, in any form, may be reached on `port`. */
export function decide(policy: EgressPolicy, host: string, port: number): Verdict {
  const { claim, rules } = policy;
  const normalised = normaliseHost(host);
  if (normalised === undefined) return denied(JSON.stringify(host), "not a host", "this is no host");
  const rule = rules.find((one) => ruleMatches(one, normalised, port));
  if (rule !== undefined) return { allowed: true, rule: rule.text };
  const target = hostAndPort(normalised, port);
  if (claim.default === "allow") return { allowed: true, rule: "default_action allow" };
  if (claim.allow.length === 0) return denied(target, "default_action deny", "by default_action deny");
  return denied(target, "allowed_hosts", `no entry of allowed_hosts matches (${shown(claim.allow)})`);
}

/** What holds where code of several sessions runs together: only what every policy allows. */
export function decideForAll(policies: Iterable<EgressPolicy>, host: string, port: number): Verdict {
  let last: Verdict = { allowed: true, rule: "no policy" };
  for (const policy of policies) {
    last = decide(policy, host, port);
    if (!last.allowed) return last;
  }
  return last;
}

/** More would bury the host in a message. */
const MAX_SHOWN = 5;

function shown(entries: readonly string[]): string {
  const more = entries.length > MAX_SHOWN ? `, and ${entries.length - MAX_SHOWN} more` : "";
  return `${entries.slice(0, MAX_SHOWN).join(", ")}${more}`;
}

function denied(target: string, rule: string, why: string): Verdict {
  return { allowed: false, rule, reason: `egress to ${target} is denied: ${why}` };
}
