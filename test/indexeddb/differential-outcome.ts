// What both sides of the differential test come to, in one form.

/** Codes of failures that both sides tell apart. */
export type Failure = "NotFound" | "AlreadyExists" | "InvalidArgument";

export type Outcome =
  | "done"
  | "end"
  | { readonly error: Failure }
  | { readonly records: readonly string[] }
  | { readonly keys: readonly string[] }
  | { readonly count: number }
  | { readonly key: string; readonly id: string; readonly record: string };

/** Of the parts of one step. */
export type Trace = readonly Outcome[];

export function failure(error: Failure): Outcome {
  return { error };
}

/** Numbers by value: JavaScript has one type where the protocol has two. */
export function plainKey(key: unknown): string {
  if (Array.isArray(key)) return `[${key.map(plainKey).join()}]`;
  if (key instanceof Date) return `time ${key.getTime()}`;
  if (key instanceof Uint8Array) return `bytes ${Buffer.from(key).toString("hex")}`;
  if (key instanceof ArrayBuffer) return plainKey(new Uint8Array(key));
  if (typeof key === "bigint") return String(Number(key));
  return typeof key === "string" ? JSON.stringify(key) : String(key);
}

export function plainRecord(record: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(record).sort();
  return names
    .map((name) => `${name}: ${isObject(record[name]) ? JSON.stringify(record[name]) : plainKey(record[name])}`)
    .join("; ");
}

function isObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
