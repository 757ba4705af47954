// What `console` was given, as one text: for the session's log, since workerd shows its own rendering to nobody.
import { inJson } from "./in-json.ts";

/**
 * The arguments of a console method: `%s`, `%d`, `%i`, `%f`, `%o`, `%O`, `%j`, `%c` in a first text are replaced as the Console
 * Standard says, the rest follows with spaces. Never throws.
 */
export function lineOf(values: readonly unknown[]): string {
  const [first, ...rest] = values;
  if (typeof first !== "string" || rest.length === 0) return values.map(textOf).join(" ");
  const text = first.replace(/%([sdifoOjc%])/g, (placeholder, kind: string) => {
    if (kind === "%") return "%";
    return rest.length === 0 ? placeholder : substitute(kind, rest.shift());
  });
  return [text, ...rest.map(textOf)].join(" ");
}

function substitute(kind: string, value: unknown): string {
  // CSS means nothing here.
  if (kind === "c") return "";
  if (kind !== "d" && kind !== "i" && kind !== "f") return textOf(value);
  const number = typeof value === "symbol" ? Number.NaN : Number(value);
  return String(kind === "i" ? Math.trunc(number) : number);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    if (value instanceof Error) return errorText(value);
    if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
    return typeof value === "object" && value !== null
      ? (JSON.stringify(value, inJson) ?? String(value))
      : String(value);
  } catch {
    return "(cannot be printed)";
  }
}

function errorText(error: Error): string {
  const text = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? text : `${text}\n[cause]: ${textOf(error.cause)}`;
}
