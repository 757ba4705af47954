// What JSON has no form of, in one it has.

/** A replacer for `JSON.stringify` for what JSON has no form of. */
export function inJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, cause, ...(value instanceof AggregateError && { errors: value.errors }) };
}
