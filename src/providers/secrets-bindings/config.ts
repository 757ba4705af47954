// What a session may say about the secrets it is served: it narrows what the worker's code allows, and never widens it.
import * as z from "zod/mini";
import { unknownKeys } from "../config-parts.ts";

const nameText = "must be the name of a secret";

export const bindingSecretsConfig = z.strictObject(
  {
    /** Names that are served; all that the worker's code allows when left out. */
    allow: z.optional(
      z.array(z.string({ error: nameText }).check(z.minLength(1, nameText)), { error: "must be a list of names" }),
    ),
    /** Put before each name that is asked for, so that several gestaltds can have secrets of the same name. */
    prefix: z.optional(z.string({ error: "must be text" })),
  },
  unknownKeys("allow", "prefix"),
);

export type BindingSecretsConfig = z.infer<typeof bindingSecretsConfig>;
