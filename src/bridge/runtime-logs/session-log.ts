// The log of one session, as those who have something to say in it see it. Where it leads depends on the kind of bridge.

/** gestaltd's streams: what the provider printed as ordinary and as trouble, and what the runtime itself has to say. */
export type LogStream = "stdout" | "stderr" | "runtime";

export interface SessionLog {
  /** `writtenAt`: when, if not now. Never throws, never waits. */
  write(stream: LogStream, message: string, writtenAt?: Date): void;
  /** So many lines were lost before this moment. */
  dropped(count: number): void;
}
