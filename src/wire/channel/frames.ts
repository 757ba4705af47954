// The channel's frames as values. How they look in bytes is in codec.ts; who may send which, and when, in the calls.
import type { GrpcCode } from "../codes.ts";
import type { Bytes } from "./bytes.ts";

/** Names and values in turn; duplicates and order are kept. Values of `-bin` names are base64, as in HTTP/2 headers. */
export type Metadata = readonly string[];

/** Who may send more than one message. */
export type Streaming = "unary" | "client" | "server" | "bidi";

/** How a call ended. */
export interface CallStatus {
  readonly code: GrpcCode;
  readonly message: string;
  /** Trailers; the host's initial metadata too, where it sent any. */
  readonly metadata: Metadata;
}

/** Why a side takes leave: a newer channel of the same session took over, or the side shuts down. */
export type Leave = "superseded" | "shutdown";

/** Identifies a call within its channel; the opener counts from 1. 0 is the channel itself. */
export type CallId = number;

/** The call id that stands for the whole channel. */
export const CHANNEL_ID: CallId = 0;

export interface OpenFrame {
  readonly type: "open";
  readonly id: CallId;
  /** Name of the host service as the session has it, such as `CACHE` or `CACHE_MAIN`. */
  readonly service: string;
  /** `/gestalt.provider.v1.Cache/Get` */
  readonly path: string;
  readonly streaming: Streaming;
  /** What is left until the deadline, in milliseconds from 1: clocks of two machines differ, durations do not. */
  readonly timeoutMs?: number | undefined;
  readonly metadata: Metadata;
}

/** Begins a message of `size` bytes; `chunk` is all of it, or its first {@link CHUNK_BYTES}. */
export interface MessageFrame {
  readonly type: "message";
  readonly id: CallId;
  readonly size: number;
  readonly chunk: Uint8Array;
}

/** The next piece of the message the call has begun. */
export interface MoreFrame {
  readonly type: "more";
  readonly id: CallId;
  readonly chunk: Uint8Array;
}

export interface StatusFrame extends CallStatus {
  readonly type: "status";
  readonly id: CallId;
}

export type Frame =
  /** Begins an incarnation of the opener; the acceptor forgets everything and answers with the same. */
  | { readonly type: "hello"; readonly version: number; readonly incarnation: number }
  | OpenFrame
  | MessageFrame
  | MoreFrame
  /** The opener will send no more messages in this call. */
  | { readonly type: "half-close"; readonly id: CallId }
  /** The acceptor's last word. */
  | StatusFrame
  /** The opener's last word. */
  | { readonly type: "cancel"; readonly id: CallId }
  /** So many bytes have been read and may be sent again, in a call or ({@link CHANNEL_ID}) in all. */
  | { readonly type: "credit"; readonly id: CallId; readonly bytes: number }
  | { readonly type: "ping"; readonly token: number }
  | { readonly type: "pong"; readonly token: number }
  /** No new calls, please; those in flight may end. */
  | { readonly type: "leave"; readonly why: Leave };

/** A frame that is to be sent: its piece need not be in one place. */
export type OutgoingFrame =
  | Exclude<Frame, { readonly chunk: Uint8Array }>
  | Outgoing<MessageFrame>
  | Outgoing<MoreFrame>;

type Outgoing<F> = Omit<F, "chunk"> & { readonly chunk: Bytes };
