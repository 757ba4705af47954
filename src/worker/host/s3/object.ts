// One object of a store.
import type { Client } from "@connectrpc/connect";
import { S3 as S3Service } from "../../../gen/gestalt/provider/v1/s3_pb.ts";
import { S3NotFoundError } from "../../s3/errors.ts";
import type { S3Meta, S3Ref } from "../../s3/objects.ts";
import { hostCalls } from "../calls.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import type { S3WriteBody } from "./body.ts";
import { metaFrom, refTo } from "./messages.ts";
import { presign, type S3AccessURL, type S3PresignOptions } from "./presign.ts";
import { bytesOf, readObject, type S3Reading, type S3ReadOptions } from "./read.ts";
import { type S3WriteOptions, writeObject } from "./write.ts";

export interface S3Object {
  readonly ref: S3Ref;
  /** What is known about it, without its bytes. */
  stat(options?: HostCallOptions): Promise<S3Meta>;
  exists(options?: HostCallOptions): Promise<boolean>;
  /** Metadata and bytes in one call; the bytes come as they are read. */
  read(options?: S3ReadOptions): Promise<S3Reading>;
  /** The bytes alone. Cancel it if they are not read to the end. */
  stream(options?: S3ReadOptions): Promise<ReadableStream<Uint8Array>>;
  /** All bytes at once; a Worker has 128 MB of memory for everything it does. */
  bytes(options?: S3ReadOptions): Promise<Uint8Array>;
  /** As UTF-8; bytes that are none become U+FFFD. */
  text(options?: S3ReadOptions): Promise<string>;
  /** Throws a SyntaxError for what is not JSON. */
  json(options?: S3ReadOptions): Promise<unknown>;
  /** Writes it whole or not at all. A Blob's type is the content type unless another is given. */
  write(body: S3WriteBody, options?: S3WriteOptions): Promise<S3Meta>;
  writeBytes(bytes: Uint8Array | ArrayBuffer, options?: S3WriteOptions): Promise<S3Meta>;
  writeString(text: string, options?: S3WriteOptions): Promise<S3Meta>;
  /** As `application/json` unless another type is given. Throws a TypeError for what JSON cannot say. */
  writeJSON(value: unknown, options?: S3WriteOptions): Promise<S3Meta>;
  /** Deleting what is not there is success. */
  delete(options?: HostCallOptions): Promise<void>;
  /** A URL for one HTTP method, good for whoever has it. */
  presign(options?: S3PresignOptions): Promise<S3AccessURL>;
  /** The same: gestaltd mints its object-access URLs in answer to `presign`, and refuses the service of that name. */
  createAccessURL(options?: S3PresignOptions): Promise<S3AccessURL>;
}

export function s3Object(link: HostLink, calls: Client<typeof S3Service>, ref: S3Ref): S3Object {
  const read = (options: S3ReadOptions = {}) => readObject(link, calls, ref, options);
  const bytes = async (options?: S3ReadOptions) => bytesOf(await read(options));
  const text = async (options?: S3ReadOptions) => new TextDecoder().decode(await bytes(options));
  const write = (body: S3WriteBody, options: S3WriteOptions = {}) => writeObject(link, calls, { ref, body, options });
  const stat = async (options?: HostCallOptions) =>
    metaFrom((await calls.headObject({ ref: refTo(ref) }, link.options(options))).meta);
  // Here FAILED_PRECONDITION is about gestaltd's config, not about a condition on the object.
  const sign = (options: S3PresignOptions = {}) => presign(link, hostCalls(S3Service, "s3", link), ref, options);
  return {
    ref,
    stat,
    async exists(options) {
      try {
        await stat(options);
        return true;
      } catch (error) {
        if (error instanceof S3NotFoundError) return false;
        throw error;
      }
    },
    read,
    stream: async (options) => (await read(options)).body,
    bytes,
    text,
    json: async (options) => JSON.parse(await text(options)),
    write: (body, options) =>
      body instanceof Blob ? write(body, { ...typeOf(body), ...options }) : write(body, options),
    writeBytes: write,
    writeString: write,
    async writeJSON(value, options) {
      const json = JSON.stringify(value);
      if (json === undefined) throw new TypeError(`JSON cannot say ${typeof value}`);
      return write(json, { contentType: "application/json", ...options });
    },
    async delete(options) {
      await calls.deleteObject({ ref: refTo(ref) }, link.options(options));
    },
    presign: sign,
    createAccessURL: sign,
  };
}

function typeOf({ type }: Blob): { readonly contentType?: string } {
  return type === "" ? {} : { contentType: type };
}
