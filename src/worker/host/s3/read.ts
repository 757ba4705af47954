// Reading an object: metadata first, then its bytes as they are wanted.
import type { Client } from "@connectrpc/connect";
import type { ReadObjectChunk, S3 as S3Service } from "../../../gen/gestalt/provider/v1/s3_pb.ts";
import type { S3Conditions, S3Meta, S3Range, S3Ref } from "../../s3/objects.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { malformed, metaFrom, readRequest } from "./messages.ts";

export interface S3ReadOptions extends S3Conditions, HostCallOptions {
  /** Which bytes, both ends inclusive; all when left out. `{ end: 9 }` are the first ten, not the last. */
  readonly range?: S3Range | undefined;
}

/** An object being read. */
export interface S3Reading {
  /** `size` is that of the whole object, also when a range is read. */
  readonly meta: S3Meta;
  /** Read it to its end or cancel it: until then the call goes on, for as long as the request does. */
  readonly body: ReadableStream<Uint8Array>;
}

export async function readObject(
  link: HostLink,
  calls: Client<typeof S3Service>,
  ref: S3Ref,
  options: S3ReadOptions,
): Promise<S3Reading> {
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  const request = readRequest(ref, options);
  const chunks = calls.readObject(request, link.options({ ...options, signal }))[Symbol.asyncIterator]();
  const first = await chunks.next();
  const result = first.done === true ? undefined : first.value.result;
  if (result?.case !== "meta") {
    left.abort();
    throw malformed("an object without metadata");
  }
  return { meta: metaFrom(result.value), body: bodyOf(chunks, () => left.abort()) };
}

/** All of it in one piece. */
export async function bytesOf({ body }: S3Reading): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** Nothing is read ahead, so that a slow reader slows gestaltd down; cancelling ends the call at once. */
function bodyOf(chunks: AsyncIterator<ReadObjectChunk>, leave: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const next = await chunks.next();
          if (next.done === true) return controller.close();
          const { result } = next.value;
          if (result.case !== "data") throw malformed("metadata in the middle of an object");
          if (result.value.byteLength > 0) return controller.enqueue(result.value);
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}
