// What the supervisor and the working process say to each other over Node's IPC channel. Both run the same file.
import type { GrpcCode } from "../../wire/codes.ts";

/** What is to survive the working process, as the supervisor holds it: in memory only, and never looked into. */
export type Kept = readonly (readonly [key: string, value: string])[];

export type FromSupervisor =
  /** First of all: what the predecessor left. */
  | { readonly type: "begin"; readonly kept: Kept }
  | { readonly type: "opened"; readonly path: string }
  | { readonly type: "refused"; readonly path: string; readonly code: GrpcCode; readonly message: string }
  /** Comes with the socket; answered by `taken`. */
  | { readonly type: "connection"; readonly path: string; readonly id: number };

export type FromWorkingProcess =
  /** A sign of life. */
  | { readonly type: "beat" }
  /** Replaces what was kept under the key. */
  | { readonly type: "keep"; readonly key: string; readonly value: string }
  | { readonly type: "forget"; readonly key: string }
  /** Asks for the connections to a path: answered by `opened` or `refused`. */
  | { readonly type: "open"; readonly path: string }
  | { readonly type: "close"; readonly path: string }
  /** The connection has arrived. */
  | { readonly type: "taken"; readonly path: string; readonly id: number }
  /** A folder for the supervisor to remove, should the working process not come to it. */
  | { readonly type: "folder"; readonly path: string }
  /** All that was kept is in place, and all paths are asked for: what is still open beyond them may be closed. */
  | { readonly type: "serving" };
