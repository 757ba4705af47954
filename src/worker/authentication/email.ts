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
 * Undefined for what is no address, for forms that mail servers do not use (quoted parts, IP numbers for a domain), and for what only
 * looks like another's address: letters that are not seen or stand for others (`\ufb01` for `fi`), and those beyond ASCII whose lower case
 * is an ASCII letter: `K` (U+212A) becomes `k`, and with it the address somebody else's.
 */
export function parseEmail(value: unknown): EmailAddress | undefined {
  if (typeof value !== "string" || value.length > MAX_EMAIL_LENGTH || !value.isWellFormed()) return undefined;
  const [, domain] = /^[^\s\p{C}@"]+@([\p{L}\p{N}\p{M}.-]+)$/u.exec(value) ?? [];
  if (domain === undefined || isMisleading(value) || [...value].some(becomesAscii)) return undefined;
  const labels = URL.parse(`http://${domain}`)?.hostname.split(".") ?? [];
  // The URL parser makes an IPv4 address of whatever ends in a number.
  const isDomain = !labels.includes("") && !/^\d*$/.test(labels.at(-1) ?? "");
  return isDomain ? { address: value, domain: labels.join(".") } : undefined;
}

/** Whether it holds what is not shown, or ligatures, full-width letters and the like, which are there for compatibility (UAX #15). */
function isMisleading(text: string): boolean {
  return /\p{Default_Ignorable_Code_Point}/u.test(text) || text.normalize("NFKC") !== text.normalize("NFC");
}

function becomesAscii(letter: string): boolean {
  return letter > "\x7f" && /[\x20-\x7e]/.test(letter.toLowerCase());
}
