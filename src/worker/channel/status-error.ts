// How a host call ended, as the error its caller gets.
import { ConnectError, decodeBinaryHeader } from "@connectrpc/connect";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { CallStatus } from "../../wire/channel/frames.ts";
import { appendMetadata } from "./metadata.ts";

/** Where gRPC keeps an error's details, as a `google.rpc.Status` in base64. */
const DETAILS = "grpc-status-details-bin";

/** For a status that is not OK: code, message, details, and all other metadata. */
export function statusError({ code, message, metadata }: CallStatus): ConnectError {
  const headers = appendMetadata(new Headers(), metadata);
  const details = detailsOf(headers.get(DETAILS));
  headers.delete(DETAILS);
  // Connect's numbers are gRPC's.
  const error = new ConnectError(message, code as number, headers);
  error.details = details;
  return error;
}

/** Details that cannot be read must not hide the error they belong to. */
function detailsOf(base64: string | null): ConnectError["details"] {
  if (base64 === null) return [];
  try {
    const { details } = decodeBinaryHeader(base64, StatusSchema);
    return details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  } catch {
    return [];
  }
}
