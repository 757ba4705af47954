// Cuts a body of unknown length into parts of equal size.

export class PartReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #partBytes: number;
  /** Read already, belongs to the next part. */
  #rest: Uint8Array | undefined;
  #ended = false;

  constructor(body: ReadableStream<Uint8Array>, partBytes: number) {
    this.#reader = body.getReader();
    this.#partBytes = partBytes;
  }

  /** Whether the last part has been returned. */
  get ended(): boolean {
    return this.#ended && this.#rest === undefined;
  }

  /** The next part: full size, or less at the body's end. Throws what the body fails with. */
  async next(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    // One chunk more than fits is read, so that `ended` is known with the last full part.
    while (length <= this.#partBytes) {
      const chunk = await this.#nextChunk();
      if (chunk === undefined) break;
      chunks.push(chunk);
      length += chunk.byteLength;
    }
    const bytes = joined(chunks, length);
    if (length > this.#partBytes) this.#rest = bytes.subarray(this.#partBytes);
    return bytes.subarray(0, this.#partBytes);
  }

  /** Tells the source to stop; after its end, does nothing. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  async #nextChunk(): Promise<Uint8Array | undefined> {
    const rest = this.#rest;
    if (rest !== undefined) {
      this.#rest = undefined;
      return rest;
    }
    if (this.#ended) return undefined;
    const { value, done } = await this.#reader.read();
    if (!done) return value;
    this.#ended = true;
    return undefined;
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
