// Values of arguments that may also come from a file or from stdin.
import { readFile } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import type { JsonObject } from "../wire/session-token.ts";
import { CliError } from "./errors.ts";

/** A JSON object; `where` says in errors which argument it is. */
export async function readObject(source: string, where: string, signal: AbortSignal): Promise<JsonObject> {
  const written = await readSource(source, where, signal);
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch (error) {
    throw new CliError({ what: `This is not JSON: ${(error as Error).message}`, where, fix: "Give a JSON object" });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new CliError({ what: "This is JSON, but no object", where, fix: 'Give an object such as {"query": "pier"}' });
  return value as JsonObject;
}

/** The text itself, of the file behind `@`, or of stdin for `-`. */
export async function readSource(source: string, where: string, signal: AbortSignal): Promise<string> {
  if (source === "-") return text(addAbortSignal(signal, process.stdin));
  if (!source.startsWith("@")) return source;
  return readFile(source.slice(1), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new CliError({
      what: `The file cannot be read (${error.code})`,
      where: source.slice(1),
      fix: `Check ${where}`,
    });
  });
}
