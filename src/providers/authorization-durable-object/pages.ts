// One page of a longer answer: so many entries, so many bytes, and whether more follow.
import { BINARY_PER_JSON, PAGE_BYTES } from "./limits.ts";

export interface Page<Entry> {
  readonly entries: readonly Entry[];
  /** Whether the caller must come back with the last entry. */
  readonly more: boolean;
}

/** Takes up to `limit` entries; give it one more, so that it knows whether there is one. At least one fits, whatever its size. */
export function pageOf<Entry extends object>(entries: Iterable<Entry>, limit: number): Page<Entry> {
  const page: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += sizeOf(entry);
    if (page.length === limit || (page.length > 0 && bytes > PAGE_BYTES)) return { entries: page, more: true };
    page.push(entry);
  }
  return { entries: page, more: false };
}

/** An upper bound of what the texts of an entry take in the protocol's form; properties are JSON and become longer. */
function sizeOf(entry: object): number {
  let size = 0;
  for (const [name, value] of Object.entries(entry)) {
    if (typeof value !== "string") continue;
    // One UTF-16 unit makes at most three bytes.
    size += FRAMING_BYTES + value.length * 3 * (name.endsWith("properties") ? BINARY_PER_JSON : 1);
  }
  return size;
}

/** Tags and lengths of a text and of the messages around it. */
const FRAMING_BYTES = 16;
