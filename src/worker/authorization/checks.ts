// Checks of what comes in: texts, sizes and what must be there. Each fault is INVALID_ARGUMENT and says which field has it.
import { Code, ConnectError } from "@connectrpc/connect";
import { MAX_ID_BYTES, MAX_NAME_BYTES } from "./limits.ts";

const encoder = new TextEncoder();

/** Name of a type, relation or action. */
export function checkName(value: string, what: string): string {
  return checkText(value, what, MAX_NAME_BYTES);
}

export function checkId(value: string, what: string): string {
  return checkText(value, what, MAX_ID_BYTES);
}

/** Bytes of UTF-8. */
export function sizeOf(text: string): number {
  return encoder.encode(text).byteLength;
}

export function invalid(text: string): ConnectError {
  return new ConnectError(text, Code.InvalidArgument);
}

function checkText(value: string, what: string, most: number): string {
  if (value === "") throw invalid(`The ${what} is missing.`);
  // gestaltd joins types, ids and relations with NUL, so one within them would make two relationships look the same to it.
  if (value.includes("\0")) throw invalid(`The ${what} holds a NUL character.`);
  // A lone surrogate has no UTF-8 form. Only a JSON request can carry it.
  if (!value.isWellFormed()) throw invalid(`The ${what} is not valid Unicode.`);
  // One UTF-16 unit makes at most three bytes.
  const bytes = value.length * 3 <= most ? 0 : sizeOf(value);
  if (bytes > most) throw invalid(`The ${what} has ${count(bytes)} bytes; the limit is ${count(most)}.`);
  return value;
}

/** `1,000`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
