// A unary host call as its caller has it: one question to the session's object, given up when a limit is reached.
import { type CallLimits, watch } from "./call-limits.ts";
import type { HostSession } from "./host-session.ts";
import { disposed, type HostCallInit, type HostMessages } from "./rpc.ts";

/** The object's answer. Throws what the limits say, or UNAVAILABLE when there is no answer. */
export function unaryCall(
  session: HostSession,
  init: HostCallInit,
  limits: CallLimits,
  message: Uint8Array,
): Promise<HostMessages> {
  const { calls, id, release, failure } = session.take();
  return new Promise((resolve, reject) => {
    const done = () => {
      unwatch();
      release();
    };
    const unwatch = watch(limits, (error) => {
      calls.cancel(id).catch(() => {});
      done();
      reject(error);
    });
    calls
      .unary(id, init, message)
      .then(
        (answer) => resolve(disposed(answer)),
        (error) => reject(failure(error)),
      )
      .finally(done);
  });
}
