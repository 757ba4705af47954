// Pauses between tries end with the caller.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withBackoff } from "../../src/worker/cache/backoff.ts";

const LIMITS = { attempts: 3, firstMs: 3_600_000, maxMs: 3_600_000 };
const busy = () => Promise.reject(new Error("busy"));

describe("backoff", () => {
  it("ends a pause at once, with the reason, when the caller goes", async () => {
    const controller = new AbortController();
    const gone = new Error("gone");
    const running = withBackoff(busy, () => true, LIMITS, controller);
    setImmediate(() => controller.abort(gone));
    await assert.rejects(running, gone);
  });

  it("does not begin a pause for a caller that has gone", async () => {
    await assert.rejects(
      withBackoff(busy, () => true, LIMITS, { signal: AbortSignal.abort(new Error("gone")) }),
      /gone/,
    );
  });

  it("goes on after a pause, and throws the last failure when out of tries", async () => {
    let tries = 0;
    const failing = () => Promise.reject(new Error(`try ${++tries}`));
    const { signal } = new AbortController();
    await assert.rejects(
      withBackoff(failing, () => true, { attempts: 3, firstMs: 1, maxMs: 1 }, { signal }),
      /try 3/,
    );
  });

  it("does not ask for the caller's signal while all goes well", async () => {
    const caller = {
      get signal(): AbortSignal {
        throw new Error("asked");
      },
    };
    assert.equal(
      await withBackoff(
        async () => "done",
        () => true,
        LIMITS,
        caller,
      ),
      "done",
    );
  });
});
