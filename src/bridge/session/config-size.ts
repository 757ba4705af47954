// Refuses what is too large to travel in a session token, at configure time and with a way out.
import { GrpcCode } from "../../wire/codes.ts";
import { MAX_CONFIG_BYTES, MAX_SESSION_VARIABLES_BYTES } from "../../wire/limits.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { BridgeError } from "../errors.ts";

/** @throws BridgeError INVALID_ARGUMENT when the provider's own config is over {@link MAX_CONFIG_BYTES}. */
export function checkConfigSize(config: JsonObject, name: string): void {
  const bytes = jsonBytes(config);
  if (bytes <= MAX_CONFIG_BYTES) return;
  throw new BridgeError(
    GrpcCode.invalidArgument,
    `config of ${JSON.stringify(name)} takes ${bytes} bytes as JSON, and at most ${MAX_CONFIG_BYTES} can travel with each call; ` +
      "put large or secret values into Worker secrets (wrangler secret put) or bindings, and read them from request.bindings",
  );
}

/** @throws BridgeError INVALID_ARGUMENT when the session variables are over {@link MAX_SESSION_VARIABLES_BYTES}. */
export function checkVariablesSize(variables: Readonly<Record<string, string>>, name: string): void {
  const bytes = jsonBytes(variables);
  if (bytes <= MAX_SESSION_VARIABLES_BYTES) return;
  throw new BridgeError(
    GrpcCode.invalidArgument,
    `the environment of ${JSON.stringify(name)} takes ${bytes} bytes as JSON, and at most ${MAX_SESSION_VARIABLES_BYTES} can ` +
      "travel with each call; put large or secret values into Worker secrets (wrangler secret put) or bindings",
  );
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
