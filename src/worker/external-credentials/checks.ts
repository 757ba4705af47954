// Checks of what comes in. Each fault is INVALID_ARGUMENT, says which field has it, and repeats nothing of it: much is secret.
import { Code, ConnectError } from "@connectrpc/connect";
import type { CredentialKey, CredentialMode } from "./objects.ts";

/** Longest part of a key and longest id, in bytes of UTF-8. gestaltd sets none; its own are UUIDs and short names. */
const MAX_ID_BYTES = 1024;

const encoder = new TextEncoder();

/** Subject and connection must be there; the instance may be empty. */
export function checkKey({ subjectId, connectionId, instance }: CredentialKey): CredentialKey {
  return {
    subjectId: checkId(subjectId, "subject_id"),
    connectionId: checkId(connectionId, "connection_id"),
    instance: checkText(instance, "instance"),
  };
}

export function checkId(value: string, field: string): string {
  if (value === "") throw invalid(`${field} is missing.`);
  return checkText(value, field);
}

/** A text that may be empty. */
export function checkText(value: string, field: string): string {
  // SQLite and others end a text at NUL, which would make two ids look the same.
  if (value.includes("\0")) throw invalid(`${field} holds a NUL character.`);
  // A lone surrogate has no UTF-8 form. Only a JSON request can carry it.
  if (!value.isWellFormed()) throw invalid(`${field} is not valid Unicode.`);
  // One UTF-16 unit makes at most three bytes.
  const bytes = value.length * 3 <= MAX_ID_BYTES ? 0 : encoder.encode(value).byteLength;
  if (bytes > MAX_ID_BYTES) throw invalid(`${field} has ${bytes} bytes; the limit is ${MAX_ID_BYTES}.`);
  return value;
}

export function checkMode(mode: string): CredentialMode {
  if (mode === "user" || mode === "platform") return mode;
  if (mode === "none") throw invalid('A connection of mode "none" has no credential.');
  throw invalid('mode must be "user" or "platform".');
}

/** gestaltd sends an empty mode for a connection whose config gives none. */
export function checkConfigMode(mode: string): CredentialMode | "none" {
  return mode === "none" || mode === "" ? "none" : checkMode(mode);
}

export function checkMetadata(json: string): string {
  if (json === "" || isObject(json)) return json;
  throw invalid("metadata_json is not a JSON object.");
}

export function invalid(text: string): ConnectError {
  return new ConnectError(text, Code.InvalidArgument);
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
