// What gestaltd takes at most in one message, asked before anything is sent.
import { Code } from "@connectrpc/connect";
import type { HostServiceKey } from "../../wire/host-services.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { HostServiceError } from "./errors.ts";

/**
 * Throws RESOURCE_EXHAUSTED when `bytes` do not fit into one message. `what` they are begins the sentence, and `instead` ends it:
 * "The value has 5,000,000 bytes; gestaltd takes at most … in one message. Keep large values in an object store."
 */
export function assertFits(service: HostServiceKey, what: string, bytes: number, instead: string): void {
  if (bytes <= MAX_MESSAGE_BYTES) return;
  throw new HostServiceError(
    service,
    Code.ResourceExhausted,
    `${what} ${count(bytes)} bytes; gestaltd takes at most ${count(MAX_MESSAGE_BYTES)} in one message. ${instead}`,
  );
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
