// One entry of a policy's list: a host, `*.` before a domain, either with a port.
import { isAddress, normaliseHost, splitPort } from "./host.ts";

export interface EgressRule {
  /** As the operator wrote it, for messages. */
  readonly text: string;
  /** Normalised; of a wildcard, what comes behind `*.`. */
  readonly host: string;
  readonly wildcard: boolean;
  /** Every port when undefined. */
  readonly port: number | undefined;
}

const WILDCARD = "*.";

/** Undefined when the entry can match no host: gestaltd lets such an entry stand, and it allows nothing. */
export function parseRule(entry: string): EgressRule | undefined {
  const text = entry.trim();
  const wildcard = text.startsWith(WILDCARD);
  const split = splitPort(wildcard ? text.slice(WILDCARD.length) : text);
  const host = split && normaliseHost(split.host);
  if (split === undefined || host === undefined || host.includes("*") || (wildcard && isAddress(host)))
    return undefined;
  return { text, host, wildcard, port: split.port };
}

/** `host` is normalised. A wildcard stands for one label or more: `*.a.example` is not `a.example`. */
export function ruleMatches(rule: EgressRule, host: string, port: number): boolean {
  if (rule.port !== undefined && rule.port !== port) return false;
  if (!rule.wildcard) return host === rule.host;
  return host.endsWith(`.${rule.host}`) && host.length > rule.host.length + 1 && !isAddress(host);
}
