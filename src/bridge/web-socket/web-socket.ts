// The client's side of a WebSocket, on a socket that has been upgraded.
import type { Duplex } from "node:stream";
import { CLOSE, OPCODE } from "./frame.ts";
import { FrameFault, IncomingFrames } from "./incoming-frames.ts";
import { frameInPlace, frameOf } from "./outgoing-frame.ts";

export interface WebSocketEvents {
  /** Something has come, whatever it is. */
  heard(): void;
  /** The bytes are the receiver's. */
  binary(message: Uint8Array): void;
  text?(message: string): void;
  /** The socket is gone; the code and reason the other side closed it with, 1006 for none. Told exactly once. */
  closed(code: number, reason: string): void;
}

/** `closing`: this side has said its last. */
type State = "open" | "closing" | "closed";

export class WebSocket {
  readonly #socket: Duplex;
  readonly #events: WebSocketEvents;
  readonly #incoming: IncomingFrames;
  #state: State = "open";
  /** The other side's close frame, or what it did instead. Nothing counts that comes after. */
  #received: { readonly code: number; readonly reason: string } | undefined;

  /** A message of more than `maxBytes` ends it. */
  constructor(socket: Duplex, maxBytes: number, events: WebSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#incoming = new IncomingFrames(maxBytes, {
      message: (kind, bytes) => {
        if (this.#received !== undefined) return;
        if (kind === "binary") events.binary(bytes);
        else events.text?.(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
      },
      ping: (payload) => this.#write(frameOf(OPCODE.pong, payload)),
      close: (code, reason) => this.#closeCame(code, reason),
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {}); // "close" follows.
    socket.once("close", () => this.#gone());
  }

  /**
   * Sends a binary message, the beginning of a `payloadRoom`, which is lost. `sent` is called when the room is free again. Throws when
   * nothing can be sent any more.
   */
  sendInPlace(message: Uint8Array, sent?: (error?: Error | null) => void): void {
    if (this.#state !== "open") throw new Error("the WebSocket is closed");
    this.#socket.write(frameInPlace(OPCODE.binary, message), sent);
  }

  /** Sends a binary message made of pieces, which are copied. Nothing is sent any more when it is closed. */
  sendCopy(pieces: readonly Uint8Array[]): void {
    this.#write(frameOf(OPCODE.binary, ...pieces));
  }

  sendText(text: string): void {
    this.#write(frameOf(OPCODE.text, Buffer.from(text)));
  }

  /** Stops reading; TCP then stops the other side. What has been read already still comes. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Runs the task, later, when what was sent has gone to the system. Never when the socket is gone. */
  whenDrained(task: () => void): void {
    if (this.#socket.writableNeedDrain) this.#socket.once("drain", task);
    else setImmediate(task);
  }

  /** Says so to the other side, which then closes the connection. `reason` has at most 123 bytes. */
  close(code: number, reason = ""): void {
    const payload = Buffer.from(`..${reason}`);
    payload.writeUInt16BE(code);
    this.#write(frameOf(OPCODE.close, payload));
    if (this.#state === "open") this.#state = "closing";
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(frame: Buffer): void {
    if (this.#state === "open") this.#socket.write(frame);
  }

  #take(chunk: Buffer): void {
    if (this.#received !== undefined) return;
    this.#events.heard();
    try {
      this.#incoming.push(chunk);
    } catch (error) {
      if (!(error instanceof FrameFault)) throw error;
      this.close(error.code, error.message);
      this.#received = { code: error.code, reason: error.message };
      this.#socket.destroy();
    }
  }

  /** Each side sends one close frame; then the connection has no use. */
  #closeCame(code: number, reason: string): void {
    this.#received = { code, reason };
    this.close(code === CLOSE.none ? NORMAL_CLOSURE : code);
    this.#socket.end();
  }

  #gone(): void {
    this.#state = "closed";
    const { code, reason } = this.#received ?? { code: CLOSE.abnormal, reason: "" };
    this.#events.closed(code, reason);
  }
}

const NORMAL_CLOSURE = 1000;
