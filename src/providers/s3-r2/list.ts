// One page of a listing, out of as many of R2's own pages as it takes.
import type { S3ListInput, S3ListResult, S3Meta } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { MAX_LIST_BYTES, MAX_LIST_KEYS } from "./limits.ts";
import { type Position, positionOf, tokenOf } from "./list-token.ts";
import { metaOf } from "./meta.ts";
import { utf8Length } from "./object-checks.ts";

/** Bytes of an entry beside its texts, generously: tags, lengths, size, date. */
const ENTRY_OVERHEAD_BYTES = 96;

/**
 * R2 lists in UTF-8 byte order and counts objects and common prefixes together, as the protocol wants; it may return fewer
 * than asked. Pages always end where one of R2's ends, so its cursor is all the state there is. A page is shorter than
 * `maxKeys` when metadata would make the answer too large for gestaltd.
 */
export async function list(bucket: Bucket, input: S3ListInput): Promise<S3ListResult> {
  const page = new Page(bucket, input);
  let position = input.continuationToken === "" ? undefined : await positionOf(input, input.continuationToken);
  do {
    const limit = Math.min(input.maxKeys - page.count, MAX_LIST_KEYS);
    const next = await page.add(position, limit);
    if (next === "full") break;
    position = next;
  } while (position !== undefined && page.count < input.maxKeys);
  return page.result(position && (await tokenOf(input, position)));
}

class Page {
  readonly #bucket: Bucket;
  readonly #input: S3ListInput;
  readonly #objects: S3Meta[] = [];
  readonly #prefixes: string[] = [];
  #bytes = 0;

  constructor(bucket: Bucket, input: S3ListInput) {
    this.#bucket = bucket;
    this.#input = input;
  }

  get count(): number {
    return this.#objects.length + this.#prefixes.length;
  }

  result(nextContinuationToken: string | undefined): S3ListResult {
    return { objects: this.#objects, commonPrefixes: this.#prefixes, nextContinuationToken };
  }

  /** Adds up to `limit` entries from `position`. Returns where the next ones are, undefined at the end, `full` when nothing was added because it would not fit. */
  async add(position: Position | undefined, limit: number): Promise<Position | undefined | "full"> {
    let lastPrefix = position?.lastPrefix ?? "";
    const listed = await this.#list(position, limit);
    const bytes = sizeOf(listed);
    if (this.#bytes + bytes > MAX_LIST_BYTES && entriesOf(listed) > 1) {
      if (this.count > 0) return "full";
      // The same again, but less of it.
      return this.add(position, Math.max(1, Math.floor((entriesOf(listed) * MAX_LIST_BYTES * 0.9) / bytes)));
    }
    this.#bytes += bytes;
    for (const object of listed.objects) this.#objects.push(metaOf(this.#input.bucket, object));
    for (const prefix of listed.delimitedPrefixes) {
      // A key written between two pages can bring the last prefix up again.
      if (prefix === lastPrefix) continue;
      this.#prefixes.push(prefix);
      lastPrefix = prefix;
    }
    return listed.truncated ? { cursor: listed.cursor, lastPrefix } : undefined;
  }

  #list(position: Position | undefined, limit: number): Promise<R2Objects> {
    const { prefix, delimiter, startAfter } = this.#input;
    return this.#bucket.run((r2) =>
      r2.list({
        limit,
        include: ["httpMetadata", "customMetadata"],
        ...(prefix === "" ? {} : { prefix }),
        ...(delimiter === "" ? {} : { delimiter }),
        ...(position !== undefined ? { cursor: position.cursor } : startAfter === "" ? {} : { startAfter }),
      }),
    );
  }
}

function entriesOf({ objects, delimitedPrefixes }: R2Objects): number {
  return objects.length + delimitedPrefixes.length;
}

function sizeOf({ objects, delimitedPrefixes }: R2Objects): number {
  let bytes = 0;
  for (const { key, httpMetadata, customMetadata } of objects) {
    bytes += ENTRY_OVERHEAD_BYTES + utf8Length(key) + utf8Length(httpMetadata?.contentType ?? "");
    for (const [name, value] of Object.entries(customMetadata ?? {})) {
      bytes += ENTRY_OVERHEAD_BYTES + utf8Length(name) + utf8Length(value);
    }
  }
  for (const prefix of delimitedPrefixes) bytes += ENTRY_OVERHEAD_BYTES + utf8Length(prefix);
  return bytes;
}
