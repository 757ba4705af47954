// How calls end, and the error that says so to who waits on one.
import { GrpcCode } from "../codes.ts";
import { fitText, textBytes } from "./bytes.ts";
import type { CallStatus, Metadata } from "./frames.ts";
import { MAX_METADATA_BYTES, MAX_METADATA_PAIRS, MAX_STATUS_MESSAGE_BYTES } from "./limits.ts";

export const OK: CallStatus = { code: GrpcCode.ok, message: "", metadata: [] };

export function failure(code: GrpcCode, message: string): CallStatus {
  return { code, message, metadata: [] };
}

/** What reading from or writing to a call throws once it has ended. Worker and bridge make their own errors of it. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly status: CallStatus;

  constructor(status: CallStatus) {
    super(status.message);
    this.status = status;
  }
}

/** Most bytes of the length before a text in metadata. */
const LENGTH_BYTES = 3;

/** As many pairs, from the first, as a frame takes. */
export function fitMetadata(metadata: Metadata): Metadata {
  let bytes = 0;
  let texts = 0;
  while (texts + 1 < metadata.length && texts < 2 * MAX_METADATA_PAIRS) {
    for (const text of metadata.slice(texts, texts + 2)) bytes += textBytes(text) + LENGTH_BYTES;
    if (bytes > MAX_METADATA_BYTES) break;
    texts += 2;
  }
  return texts === metadata.length ? metadata : metadata.slice(0, texts);
}

/** A status as it may be sent: the message cut off and the last metadata left out where they are too large. */
export function fitStatus({ code, message, metadata }: CallStatus): CallStatus {
  return { code, message: fitText(message, MAX_STATUS_MESSAGE_BYTES), metadata: fitMetadata(metadata) };
}
