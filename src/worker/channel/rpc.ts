// What crosses between a provider's request and the session's object, by the platform's RPC.
import type { CallStatus, Metadata, Streaming } from "../../wire/channel/frames.ts";

/** What a host call is about. */
export interface HostCallInit {
  /** Name of the host service as the session has it. */
  readonly service: string;
  /** `/package.Service/Method` */
  readonly path: string;
  readonly streaming: Streaming;
  readonly metadata: Metadata;
  /** What is left until the deadline, in milliseconds: the clocks of two machines differ. */
  readonly timeoutMs: number | undefined;
}

/** Messages from the host, and how the call ended when it has. A failure is a value: a thrown error loses its code on the way. */
export interface HostMessages {
  readonly messages: readonly Uint8Array[];
  readonly status?: CallStatus | undefined;
}

/** Lets the platform forget an answer of the object, which it else keeps, and complains of, until the answer is collected. */
export function disposed<T>(answer: T & Disposable): T {
  answer[Symbol.dispose]();
  return answer;
}
