// Everything one side sends: frames gathered into packets, and the messages of many calls taking turns, one piece each.
import { ByteWriter, sizeOf } from "./bytes.ts";
import { encodeFrame } from "./codec.ts";
import { SendCredit } from "./credit.ts";
import type { OutgoingFrame } from "./frames.ts";
import { BURST_BYTES, FRAME_PREFIX_BYTES, MAX_FRAME_BYTES, MAX_PACKET_BYTES } from "./limits.ts";
import type { Outbox } from "./outbox.ts";

/** The socket under a channel. */
export interface ChannelSocket {
  /**
   * Room for a packet of at least so many bytes; `before` is what there was and has become too small. Where there is none,
   * a packet is of memory like any other.
   */
  room?(bytes: number, before: number): Uint8Array;
  /** Sends one binary message; the bytes are the socket's from here on. May throw when it is closed. */
  send(packet: Uint8Array): void;
  /** `reason` has at most {@link MAX_CLOSE_REASON_BYTES}. */
  close(code: number, reason: string): void;
  /**
   * Runs the task once, after it has returned, when it can take more: with a look at what it still has buffered where it
   * can look, else soon. Between two of these no more than {@link BURST_BYTES} of messages are sent.
   */
  later(task: () => void): void;
}

/** `flowing` sends at once; `waiting` until the socket calls back; `stopped` for good. */
type SenderState = "flowing" | "waiting" | "stopped";

export class Sender {
  readonly #socket: ChannelSocket;
  readonly #broken: () => void;
  readonly #packet: ByteWriter;
  /** Calls with something to send, in the order of their turns. */
  readonly #ready = new Set<Outbox>();
  /** Calls that wait for credit of the channel. */
  readonly #starved = new Set<Outbox>();
  #credit: SendCredit;
  #state: SenderState = "flowing";
  #burst = 0;

  /** `broken` is called, not from within a call to this sender, when the socket refuses a packet. */
  constructor(socket: ChannelSocket, window: number, broken: () => void) {
    this.#socket = socket;
    this.#packet = new ByteWriter(socket.room?.bind(socket));
    this.#credit = new SendCredit(window);
    this.#broken = broken;
  }

  /**
   * Sends a frame ahead of all messages that wait. Frames of one microtask share a packet, since a packet, not a byte, is
   * what costs: each is an event of its own to a Durable Object.
   */
  put(frame: OutgoingFrame): void {
    if (this.#state === "stopped") return;
    if (this.#packet.length > MAX_PACKET_BYTES - FRAME_PREFIX_BYTES - MAX_FRAME_BYTES) this.flush();
    if (this.#packet.length === 0) void Promise.resolve().then(() => this.flush());
    encodeFrame(this.#packet, frame);
  }

  /** The call has something to send, or new credit for it. */
  ready(outbox: Outbox): void {
    this.#ready.add(outbox);
    this.#pump();
  }

  /** The call has nothing to send any more. */
  forget(outbox: Outbox): void {
    this.#ready.delete(outbox);
    this.#starved.delete(outbox);
  }

  addCredit(bytes: number): void {
    this.#credit.add(bytes);
    for (const outbox of this.#starved) this.#ready.add(outbox);
    this.#starved.clear();
    this.#pump();
  }

  /** The other side has forgotten what was sent. All calls must have ended. */
  reset(window: number): void {
    this.#credit = new SendCredit(window);
  }

  /** Hands the packet to the socket. */
  flush(): void {
    if (this.#packet.length === 0 || this.#state === "stopped") return;
    try {
      this.#socket.send(this.#packet.take());
    } catch {
      this.#state = "stopped";
      void Promise.resolve().then(this.#broken);
    }
  }

  /** Sends what is in the packet, and nothing from then on. */
  stop(): void {
    this.flush();
    this.#state = "stopped";
    this.#ready.clear();
    this.#starved.clear();
  }

  #pump(): void {
    while (this.#state === "flowing") {
      const [outbox] = this.#ready;
      if (outbox === undefined) return;
      this.#ready.delete(outbox);
      const step = outbox.step(this.#credit, (frame) => this.#putPiece(frame));
      if (step === "more") this.#ready.add(outbox);
      else if (step === "channel credit") this.#starved.add(outbox);
    }
  }

  #putPiece(frame: OutgoingFrame): void {
    this.put(frame);
    this.#burst += "chunk" in frame ? sizeOf(frame.chunk) : 0;
    if (this.#burst < BURST_BYTES) return;
    this.#state = "waiting";
    this.flush();
    this.#socket.later(() => this.#continue());
  }

  #continue(): void {
    if (this.#state !== "waiting") return;
    this.#state = "flowing";
    this.#burst = 0;
    this.#pump();
  }
}
