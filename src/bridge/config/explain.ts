// Turns what zod found wrong with a config into one sentence for the operator: path, fault, remedy.
import type * as z from "zod";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

/**
 * Parses config of provider or runtime `name`.
 *
 * @throws BridgeError INVALID_ARGUMENT that lists every fault by its path.
 */
export function parseConfig<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => explain(issue)).join("; ");
  throw new BridgeError(GrpcCode.invalidArgument, `config of ${JSON.stringify(name)}: ${faults}`);
}

function explain(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".");
  const at = path === "" ? "" : `${path}: `;
  if (issue.code === "unrecognized_keys") {
    return `${at}unknown ${issue.keys.length === 1 ? "key" : "keys"} ${issue.keys.map((key) => `"${key}"`).join(", ")}`;
  }
  // zod names a missing key only by the value's type.
  if (issue.message.endsWith("received undefined")) return `${at}is missing`;
  return `${at}${issue.message.replace("Invalid input: ", "")}`;
}
