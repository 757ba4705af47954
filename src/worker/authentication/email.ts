// Email addresses. gestaltd knows people by the address alone, trimmed and in lower case, so what would look like another's address
// after that must not pass.
import { MAX_EMAIL_LENGTH } from "./limits.ts";

export interface EmailAddress {
  /** As it was written. */
  readonly address: string;
  /** In lower case and in ASCII (IDNA), to compare by. */
  readonly domain: string;
}

/**
 * Undefined for what is no address, for forms that mail servers do not use (quoted parts, addresses of IP numbers), and for letters
 * beyond ASCII whose lower case is an ASCII letter: `K` (U+212A) becomes `k`, and with it the address somebody else's.
 */
export function parseEmail(value: unknown): EmailAddress | undefined {
  if (typeof value !== "string" || value.length > MAX_EMAIL_LENGTH || !value.isWellFormed()) return undefined;
  const [, domain] = /^[^\s\p{C}@"]+@([\p{L}\p{N}\p{M}.-]+)$/u.exec(value) ?? [];
  if (domain === undefined || [...value].some(becomesAscii)) return undefined;
  const hostname = URL.parse(`http://${domain}`)?.hostname ?? "";
  return hostname === "" || hostname.endsWith(".") ? undefined : { address: value, domain: hostname };
}

function becomesAscii(letter: string): boolean {
  return letter > "\x7f" && /[\x20-\x7e]/.test(letter.toLowerCase());
}
