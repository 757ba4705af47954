// A worker's entry of `request.log` as a person reads it.

/** The message, its fields as JSON, and the stack of an error below them. */
export function logText({ message, error, ...fields }: Readonly<Record<string, unknown>>): string {
  const rest = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`;
  const stack = (error as { stack?: unknown } | undefined)?.stack;
  if (typeof stack === "string") return `${String(message)}${rest}\n${stack.replace(/^/gm, "          ")}`;
  return `${String(message)}${rest}${error === undefined ? "" : ` ${JSON.stringify(error)}`}`;
}
