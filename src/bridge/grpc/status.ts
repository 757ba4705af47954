// How a call ends: a code, a message, perhaps details, and the trailers that say so.

import type { OutgoingHttpHeaders } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { MAX_STATUS_DETAILS_BYTES, MAX_STATUS_MESSAGE_BYTES } from "./limits.ts";
import type { HeaderList } from "./metadata.ts";
import { percentEncode } from "./percent.ts";

export interface CallStatus {
  readonly code: GrpcCode;
  readonly message: string;
  readonly details?: readonly Any[];
}

export const OK: CallStatus = { code: GrpcCode.ok, message: "" };

/** An error that already is a whole status, such as a worker's answer: its details and metadata go out with it. */
export class StatusError extends BridgeError {
  readonly status: CallStatus;
  readonly metadata: HeaderList;

  constructor(status: CallStatus, metadata: HeaderList = []) {
    super(status.code, status.message);
    this.status = status;
    this.metadata = metadata;
  }
}

/** What a caller learns of an error: a {@link BridgeError} as it is, of anything else only that it happened. */
export function statusOfError(error: unknown): CallStatus {
  if (error instanceof StatusError) return error.status;
  if (error instanceof BridgeError) return { code: error.code, message: error.message };
  return { code: GrpcCode.internal, message: "internal error in the bridge" };
}

/** Puts a status into trailers. */
export function putStatus(trailers: OutgoingHttpHeaders, status: CallStatus): void {
  trailers["grpc-status"] = String(status.code);
  if (status.message !== "") trailers["grpc-message"] = percentEncode(status.message, MAX_STATUS_MESSAGE_BYTES);
  const details = statusDetails(status);
  if (details !== undefined) trailers["grpc-status-details-bin"] = details;
}

/**
 * Value of `grpc-status-details-bin`, unpadded, as the specification asks; undefined without details, and with too many:
 * code and message then have to do.
 */
export function statusDetails({ code, message, details = [] }: CallStatus): string | undefined {
  if (details.length === 0) return undefined;
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details: [...details] }));
  if (bytes.length > MAX_STATUS_DETAILS_BYTES) return undefined;
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
