// Refuses a gestaltd of another generation at its first word.
import { GrpcCode } from "../../wire/codes.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import { BridgeError } from "../errors.ts";

/** @throws BridgeError FAILED_PRECONDITION. */
export function assertProtocolVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new BridgeError(
    GrpcCode.failedPrecondition,
    `gestaltd speaks protocol version ${version}, this bridge speaks ${PROTOCOL_VERSION}; install versions that fit`,
  );
}
