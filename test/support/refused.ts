// What a test expects of a call that is refused.
import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";

/** For `assert.rejects`: a refusal with this code and text. */
export function refused(code: Code, text = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(Code[error.code], Code[code], error.message);
    assert.match(error.rawMessage, text);
    return true;
  };
}
