// What R2 cannot hold, refused with a reason before anything is sent.
import { Code, ConnectError } from "@connectrpc/connect";
import type { S3Ref } from "../../worker/index.ts";
import { MAX_KEY_BYTES, MAX_METADATA_BYTES } from "./limits.ts";

const encoder = new TextEncoder();

/** Throws INVALID_ARGUMENT for a key over R2's limit. */
export function checkKey(key: string): void {
  const bytes = utf8Length(key);
  if (bytes > MAX_KEY_BYTES) throw invalid(`The key has ${bytes} bytes; R2 takes at most ${MAX_KEY_BYTES}.`);
}

/** For a reference to something that is to be written: R2 makes its versions itself. */
export function checkWritable({ key, versionId }: S3Ref): void {
  checkKey(key);
  if (versionId !== undefined)
    throw invalid("An object cannot be written under a version_id: R2 chooses versions itself.");
}

/** Throws INVALID_ARGUMENT for metadata over R2's limit. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) bytes += utf8Length(name) + utf8Length(value);
  if (bytes <= MAX_METADATA_BYTES) return;
  throw invalid(`Names and values of the metadata have ${bytes} bytes; R2 takes at most ${MAX_METADATA_BYTES}.`);
}

/** Throws INVALID_ARGUMENT unless `versionId` is absent or the version that R2 has now, the only one it keeps. */
export function checkVersion({ versionId }: S3Ref, object: R2Object): void {
  if (versionId === undefined || versionId === object.version) return;
  throw invalid(`R2 keeps only an object's current version, and that is not the version_id "${versionId}".`);
}

export function utf8Length(text: string): number {
  return encoder.encode(text).byteLength;
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
