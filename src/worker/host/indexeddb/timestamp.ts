// An instant that is known to the nanosecond. gestaltd stores that; a Date alone would lose it.

/**
 * A Date that also has what lies beyond its milliseconds. Reads give a plain Date when nothing does, so what was
 * written is what is read.
 */
export class Timestamp extends Date {
  /** Beyond the millisecond: 0 to 999,999. */
  readonly nanoseconds: number;

  /** `milliseconds` since the epoch; throws RangeError for nanoseconds that make a millisecond or more. */
  constructor(milliseconds: number | Date, nanoseconds = 0) {
    super(milliseconds);
    if (!Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds >= NANOSECONDS_PER_MILLISECOND) {
      throw new RangeError(`nanoseconds beyond the millisecond must be 0 to 999999, not ${nanoseconds}`);
    }
    this.nanoseconds = nanoseconds;
  }

  /** With nine decimals; JSON has it like that too. */
  override toISOString(): string {
    return super.toISOString().replace("Z", `${String(this.nanoseconds).padStart(6, "0")}Z`);
  }
}

export const NANOSECONDS_PER_MILLISECOND = 1_000_000;
