// A call that ended before it began, for those who expect one.
import type { CallStatus } from "../../wire/channel/frames.ts";
import type { OutgoingCall } from "../../wire/channel/opened-call.ts";
import { CallError } from "../../wire/channel/status.ts";

export function refusedCall(status: CallStatus): OutgoingCall {
  const refuse = () => {
    const refused = Promise.reject(new CallError(status));
    // As with a call that was opened, a write need not be awaited.
    refused.catch(() => {});
    return refused;
  };
  return {
    status: Promise.resolve(status),
    messages: { [Symbol.asyncIterator]: () => ({ next: refuse }) },
    poll: () => undefined,
    write: refuse,
    halfClose() {},
    cancel() {},
  };
}
