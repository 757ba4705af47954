// What a schema found wrong, in the form callers and operators see.
import { shortened } from "../shortened.ts";

export interface Issue {
  /** Where: `filter.tags[0]`; empty for the whole value. */
  readonly path: string;
  readonly message: string;
}

/** Most issues told: an input of many thousand faults would make an answer too large to send, and nobody reads it. */
const MAX_ISSUES = 100;

/** UTF-16 units of one issue's text: room for a long list of choices. Zod repeats unknown keys, which callers choose. */
const MAX_MESSAGE_LENGTH = 1_000;

/**
 * Zod's issues, without the values they are about: an input may hold secrets. Of more than {@link MAX_ISSUES} the last
 * one says how many are left out.
 */
export function issuesOf(error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): Issue[] {
  const { issues } = error;
  const told = issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => ({ path: shortened(pathText(path)), message: shortened(message, MAX_MESSAGE_LENGTH) }));
  return issues.length <= MAX_ISSUES
    ? told
    : [...told, { path: "", message: `and ${issues.length - MAX_ISSUES} more` }];
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${String(step)}`))
    .join("");
}

/** One line for an operator: `limits.max: expected number; name: required`. */
export function issuesText(issues: readonly Issue[]): string {
  return issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
}
