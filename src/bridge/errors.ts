// The bridge's one error class: a gRPC code for gestaltd and a sentence for the operator.
import type { GrpcCode } from "../wire/codes.ts";

/**
 * `message` says what is wrong, where, and what to do, and never holds a secret. `user` tells a mistake the operator can
 * mend (no stack is shown) from a fault of ours.
 */
export class BridgeError extends Error {
  override readonly name = "BridgeError";
  readonly code: GrpcCode;
  readonly user: boolean;

  constructor(code: GrpcCode, message: string, options: { readonly user?: boolean; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.user = options.user ?? true;
  }
}
