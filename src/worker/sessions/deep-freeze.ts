// One session serves many calls: what one handler writes must not be what the next one reads.

/**
 * Freezes plain objects and arrays, and those inside them. Anything else (a Date, a class of the author's) stays as it
 * is: it may have to change to work. Stands cycles.
 */
export function deepFreeze<T>(value: T, seen = new Set<unknown>()): T {
  if (!isPlain(value) || seen.has(value)) return value;
  seen.add(Object.freeze(value));
  for (const inner of Object.values(value)) deepFreeze(inner, seen);
  return value;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
