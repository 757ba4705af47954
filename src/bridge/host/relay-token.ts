// The token that opens gestaltd's relay: it can be put into a request, and comes out nowhere else.
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

/** What a header can carry of a token: no spaces, no control characters. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Kept in a private field, which neither `JSON.stringify` nor `util.inspect` shows, so that no log line can. */
export class RelayToken {
  readonly #value: string;

  /** Throws INVALID_ARGUMENT that names the variable, not the value. */
  constructor(value: string, variable: string) {
    if (!TOKEN.test(value)) {
      throw new BridgeError(GrpcCode.invalidArgument, `the token in ${variable} is empty or not fit for a header`);
    }
    this.#value = value;
  }

  headerValue(): string {
    return this.#value;
  }
}
