// What a schema found wrong, in the form callers and operators see.

export interface Issue {
  /** Where: `filter.tags[0]`; empty for the whole value. */
  readonly path: string;
  readonly message: string;
}

/** Zod's issues, without the values they are about: an input may hold secrets. */
export function issuesOf(error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): Issue[] {
  return error.issues.map(({ path, message }) => ({ path: pathText(path), message }));
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
