// Why a channel ends, and the WebSocket close codes that say it (4000 to 4999 are the application's, RFC 6455 §7.4.2).
import type { Leave } from "./frames.ts";

export type EndKind =
  /** The socket broke, or the other side closed it. */
  | "lost"
  /** One side took leave and the last call has ended. */
  | Leave
  /** The other side broke a rule of the channel. */
  | "violation"
  /** The sides are of different versions. */
  | "version";

export interface ChannelEnd {
  readonly kind: EndKind;
  /** A sentence for an operator. */
  readonly message: string;
}

/** By kind; after `superseded` and `version` the bridge must not simply connect again. */
export const CLOSE_CODES = {
  shutdown: 4000,
  superseded: 4001,
  violation: 4002,
  version: 4003,
} as const satisfies Record<Exclude<EndKind, "lost">, number>;
