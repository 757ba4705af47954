// Objects whose every key somebody else chose: without a prototype, `constructor` is there only when it was sent.

/** A copy that inherits nothing. `__proto__` is an ordinary key of it. */
export function bareObject<T extends object>(entries: T | undefined): T {
  return Object.assign(Object.create(null), entries);
}
