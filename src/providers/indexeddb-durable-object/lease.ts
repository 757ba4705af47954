// Ends what a caller has opened and no longer uses: the last of three ways, after the caller's own word and the loss of
// the connection.

export class Lease {
  readonly #ms: number;
  readonly #expire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `expire` is called when it was not renewed for `ms` milliseconds. */
  constructor(ms: number, expire: () => void) {
    this.#ms = ms;
    this.#expire = expire;
    this.renew();
  }

  renew(): void {
    this.end();
    this.#timer = setTimeout(this.#expire, this.#ms);
  }

  end(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
