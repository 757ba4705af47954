// The rules on addresses: which of them may come.
import { type EmailAddress, parseEmail } from "../../worker/index.ts";
import type { OidcAllow } from "./config.ts";

/** `acme.com`, or `*.acme.com` for every domain below it. */
export function isDomainPattern(value: string): boolean {
  return parseEmail(`x@${value.replace(/^\*\./, "")}`) !== undefined;
}

export function isAllowed(email: EmailAddress, allow: OidcAllow): boolean {
  if (allow === "anyone") return true;
  const { domains = [], emails = [] } = allow;
  const address = email.address.toLowerCase();
  return isOfDomain(email, domains) || emails.some((listed) => listed.toLowerCase() === address);
}

export function isOfDomain({ domain }: EmailAddress, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const isBelow = pattern.startsWith("*.");
    const own = parseEmail(`x@${isBelow ? pattern.slice(2) : pattern}`)?.domain;
    return own !== undefined && (isBelow ? domain.endsWith(`.${own}`) : domain === own);
  });
}
