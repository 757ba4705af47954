// Which values of a session's config and variables must not be read in a log: gestaltd resolves its secrets before the bridge
// sees them, so only the names of the keys tell.
import type { JsonObject, JsonValue } from "../../wire/session-token.ts";

/**
 * A key holds a secret when one of these words is in its name, written `apiKey`, `API_KEY` or `api-key` …
 */
const SECRET =
  /(secret|token|password|passwd|passphrase|credential|apikey|accesskey|privatekey|signingkey|encryptionkey|sharedkey|authorization|cookie)/;
/** … or when this is its whole name … */
const SECRET_NAME = /^(key|auth|dsn|pat|pwd)$/;
/** … unless it ends like the name of something about a secret. */
const ABOUT_SECRET = /(url|uri|endpoint|name|id|header|path|file|type|ttl|seconds|count|limit)s?$/;

/** Texts under such keys, at any depth: in a list, in an object below one. */
export function secretValues(config: JsonObject): string[] {
  return Object.entries(config).flatMap(([key, value]) => (isSecret(key) ? texts(value) : below(value)));
}

function below(value: JsonValue | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(below);
  return typeof value === "object" && value !== null ? secretValues(value) : [];
}

function texts(value: JsonValue | undefined): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

function isSecret(key: string): boolean {
  const name = key.toLowerCase().replace(/[^a-z0-9]/g, "");
  return (SECRET.test(name) && !ABOUT_SECRET.test(name)) || SECRET_NAME.test(name);
}
