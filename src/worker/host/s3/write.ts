// Writing an object: one open message, then its bytes as fast as gestaltd takes them.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { S3 as S3Service, WriteObjectRequestSchema } from "../../../gen/gestalt/provider/v1/s3_pb.ts";
import type { S3ContentHeaders, S3EtagConditions, S3Meta, S3Ref } from "../../s3/objects.ts";
import { withoutUndefined } from "../../without-undefined.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { bodyChunks, type S3WriteBody } from "./body.ts";
import { metaFrom, refTo } from "./messages.ts";

export interface S3WriteOptions extends S3ContentHeaders, S3EtagConditions, HostCallOptions {
  /** Names and values of your own; they replace what the object had. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * The object appears whole, or not at all. An error of the body itself comes out as it is, and ends the call.
 */
export async function writeObject(
  link: HostLink,
  calls: Client<typeof S3Service>,
  { ref, body, options }: { readonly ref: S3Ref; readonly body: S3WriteBody; readonly options: S3WriteOptions },
): Promise<S3Meta> {
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const { chunks, cancel } = bodyChunks(body);
  const source = chunks[Symbol.asyncIterator]();
  let fault: { readonly error: unknown } | undefined;

  async function* requests(): AsyncGenerator<MessageInitShape<typeof WriteObjectRequestSchema>> {
    yield { msg: { case: "open", value: openMessage(ref, options) } };
    for (;;) {
      const next = await source.next().catch((error: unknown) => {
        fault = { error };
        // Before the transport learns of the end: it must not take it for that of the object.
        failed.abort(error);
        throw error;
      });
      if (next.done === true) return;
      // Outside of the catch: a transport throws its own errors in here.
      yield { msg: { case: "data", value: next.value } };
    }
  }
  try {
    return metaFrom((await calls.writeObject(requests(), link.options({ ...options, signal }))).meta);
  } catch (error) {
    cancel(error);
    throw fault === undefined ? error : fault.error;
  }
}

function openMessage(ref: S3Ref, options: S3WriteOptions) {
  const { contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage } = options;
  const { ifMatch, ifNoneMatch, metadata } = options;
  return {
    ref: refTo(ref),
    ...withoutUndefined({ contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage }),
    ...withoutUndefined({ ifMatch, ifNoneMatch }),
    metadata: { ...metadata },
  };
}
