// Listing a bucket, page by page.
import type { Client } from "@connectrpc/connect";
import type { S3 as S3Service } from "../../../gen/gestalt/provider/v1/s3_pb.ts";
import type { S3Meta } from "../../s3/objects.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { malformed, metaFrom } from "./messages.ts";

export interface S3ListOptions extends HostCallOptions {
  /** Only keys that start with it. */
  readonly prefix?: string | undefined;
  /** Keys that share what lies between prefix and the next delimiter become one common prefix; `listPages` has these. */
  readonly delimiter?: string | undefined;
  /** Only keys after this one. */
  readonly startAfter?: string | undefined;
  /** Most objects and common prefixes together that are asked for at a time; 1000 when left out. */
  readonly pageSize?: number | undefined;
  /** Goes on where an earlier page ended. Without `startAfter`. */
  readonly continuationToken?: string | undefined;
}

export interface S3Page {
  readonly objects: readonly S3Meta[];
  readonly commonPrefixes: readonly string[];
  /** Undefined on the last page. */
  readonly nextContinuationToken: string | undefined;
}

export async function* listPages(
  link: HostLink,
  calls: Client<typeof S3Service>,
  bucket: string,
  options: S3ListOptions = {},
): AsyncGenerator<S3Page, void, undefined> {
  const { prefix = "", delimiter = "", startAfter = "", pageSize = 0 } = options;
  let { continuationToken = "" } = options;
  do {
    const request = { bucket, prefix, delimiter, startAfter, maxKeys: pageSize, continuationToken };
    const answer = await calls.listObjects(request, link.options(options));
    const next = answer.hasMore ? answer.nextContinuationToken : "";
    // The same page for ever would be the alternative.
    if (answer.hasMore && (next === "" || next === continuationToken)) throw malformed("a page that leads nowhere");
    continuationToken = next;
    yield {
      objects: answer.objects.map(metaFrom),
      commonPrefixes: answer.commonPrefixes,
      nextContinuationToken: next === "" ? undefined : next,
    };
  } while (continuationToken !== "");
}
