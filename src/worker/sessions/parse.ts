// Checks a value with a zod schema of any flavour, so that what is wrong is said in words.
import { type $ZodType, config, safeParseAsync } from "zod/v4/core";
import en from "zod/v4/locales/en.js";

/**
 * zod's own result. zod/mini brings no texts and would say "Invalid input" of everything; zod proper brings English, and
 * where the author has set a language or texts, those stay.
 */
export function parse<T>(schema: $ZodType<T>, value: unknown): ReturnType<typeof safeParseAsync<$ZodType<T>>> {
  if (config().localeError === undefined) config(en());
  return safeParseAsync(schema, value);
}
