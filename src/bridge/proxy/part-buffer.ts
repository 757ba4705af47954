// Collects the data of one part: in little room while there is little, and never more than one part.

/** First room, in bytes: one data message of gestaltd. Most objects are small, and many are written at once. */
const FIRST_ROOM_BYTES = 64 * 1024;

const GROWTH = 4;

export class PartBuffer {
  readonly #capacity: number;
  /** Full-sized buffers to use again, so that a long upload allocates no more than it has in flight. */
  readonly #spare: Buffer[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  /** A second part means that there may be many: each then gets its room at once. */
  #large = false;

  /** @param capacity Size of a part in bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get full(): boolean {
    return this.#length === this.#capacity;
  }

  /** What has been collected, as a view. */
  get data(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Copies as much as fits; returns how much that was. */
  append(data: Uint8Array): number {
    const taken = Math.min(data.length, this.#capacity - this.#length);
    this.#makeRoom(this.#length + taken);
    this.#buffer.set(taken === data.length ? data : data.subarray(0, taken), this.#length);
    this.#length += taken;
    return taken;
  }

  /** Hands the part over and starts the next. To be given back with {@link recycle} when it has been sent. */
  take(): Buffer {
    const part = this.data;
    this.#large = true;
    this.#buffer = this.#spare.pop() ?? Buffer.alloc(0);
    this.#length = 0;
    return part;
  }

  /** Takes a part back that nobody refers to any more. */
  recycle(part: Buffer): void {
    if (part.length === this.#capacity) this.#spare.push(part);
  }

  #makeRoom(wanted: number): void {
    if (wanted <= this.#buffer.length) return;
    const room = this.#large ? this.#capacity : Math.min(this.#capacity, Math.max(FIRST_ROOM_BYTES, wanted * GROWTH));
    const larger = Buffer.allocUnsafe(room);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
