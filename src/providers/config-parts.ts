// What the configs of the ready-made providers have in common. The texts stand here because zod/mini has none of its own.
import * as z from "zod/mini";

/** Longest prefix or name, in characters: as a prefix of names in KV it leaves 440 of their 512 bytes to the key. */
const MAX_PREFIX_LENGTH = 64;

/** Name of a binding of the worker. */
export const bindingName = z.string({ error: "must be the name of a binding of the worker" }).check(z.minLength(1));

/** Keeps providers that share a binding apart, as a prefix of names or an object's name. No colon: it ends the prefix in names. */
export const prefix = z
  .string({ error: "must be text" })
  .check(
    z.regex(
      new RegExp(`^[A-Za-z0-9._-]{1,${MAX_PREFIX_LENGTH}}$`),
      `must be 1 to ${MAX_PREFIX_LENGTH} letters, digits, dots, underscores or hyphens`,
    ),
  );

/** The `error` of a strict object: names the keys it does not know and those it does. */
export function unknownKeys(...known: string[]) {
  return {
    error: (issue: { readonly code: string; readonly keys?: unknown }): string | undefined => {
      if (issue.code !== "unrecognized_keys" || !Array.isArray(issue.keys)) return undefined;
      return `unknown key ${issue.keys.join(", ")}; known are ${known.join(", ")}`;
    },
  };
}
