// What a WebSocket's frames are made of (RFC 6455 §5.2).

export const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** First byte: this is the last frame of its message. */
export const FINAL = 0x80;

/** First byte: bits that only an extension may set, and we agree on none. */
export const RESERVED = 0x70;

/** Second byte: the payload is masked, as everything is that a client sends and nothing that a server does. */
export const MASKED = 0x80;

/** In place of a length over {@link SHORT_BYTES}: it follows in two bytes, or in eight. */
export const LENGTH_IN_2 = 126;
export const LENGTH_IN_8 = 127;

/** Largest payload whose length is in the second byte, and largest of a control frame. */
export const SHORT_BYTES = 125;

/** Close codes of the protocol itself (§7.4.1). */
export const CLOSE = {
  protocolError: 1002,
  /** Stands for a close frame without a code. */
  none: 1005,
  /** Stands for a connection that has ended without a close frame. */
  abnormal: 1006,
  tooLarge: 1009,
} as const;
