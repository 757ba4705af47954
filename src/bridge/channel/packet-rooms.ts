// Memory for packets on their way out, used again and again: Node allocates and collects large buffers at a price that a stream of
// them feels more than all else that is done for it.
import { MAX_PACKET_BYTES } from "../../wire/channel/limits.ts";
import { payloadRoom } from "../web-socket/outgoing-frame.ts";

/** Up to here a packet gets room of its own, in bytes; most are one small call. */
const SMALL_BYTES = 4 * 1024;
const FIRST_BYTES = 512;

/** Rooms kept for later. A channel has one on its way at a time, or two; the process has a few channels. */
const KEPT_ROOMS = 8;

export class PacketRooms {
  readonly #free: Uint8Array[] = [];

  /** At least so many bytes; `before` is what there was and has become too small. */
  take(bytes: number, before: number): Uint8Array {
    if (bytes > SMALL_BYTES) return this.#free.pop() ?? payloadRoom(MAX_PACKET_BYTES);
    return payloadRoom(Math.min(SMALL_BYTES, Math.max(bytes, FIRST_BYTES, 4 * before)));
  }

  /** What is to be called when the packet, the beginning of a room, has been sent. */
  give({ buffer, byteOffset }: Uint8Array): ((error?: Error | null) => void) | undefined {
    if (buffer.byteLength < MAX_PACKET_BYTES) return undefined;
    return (error) => {
      if (!error && this.#free.length < KEPT_ROOMS) this.#free.push(new Uint8Array(buffer, byteOffset));
    };
  }
}
