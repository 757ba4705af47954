// States of a hosted session, in gestaltd's words.

export type SessionState =
  | { readonly type: "pending" }
  | { readonly type: "ready"; readonly provider: string }
  | { readonly type: "failed"; readonly reason: FailureReason; readonly message: string }
  /** Its calls have ended; it is about to be forgotten. Until then it is what it was, so that they can call gestaltd. */
  | { readonly type: "stopped" };

/** Short words for gestaltd's admin interface. */
export type FailureReason = "unknown-worker" | "worker-unavailable" | "provider-missing" | "image-mismatch";
