// The order that SQLite gives texts: by the bytes of their UTF-8, which is the order of their code points. JavaScript's own differs,
// because it compares surrogates, which stand for the highest code points, as lower than some others.

/** Negative, zero or positive, as `Array.sort` wants it. Both must be valid Unicode. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates behind all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
