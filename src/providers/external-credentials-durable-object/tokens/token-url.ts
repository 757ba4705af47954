// Which URLs tokens are asked for at.
import { TokenFailure } from "./failure.ts";

/** A parameter of the connection in a URL: `https://{subdomain}.example.com/token`. */
const PLACEHOLDER = /\{([^{}]*)\}/g;

/** Most characters of a parameter's name in a sentence. */
const MAX_NAME_LENGTH = 100;

/** What a parameter may put into a URL; gestaltd lets users enter the same. It cannot end a host name or a path. */
const SAFE_VALUE = /^[A-Za-z0-9._-]+$/;

/**
 * The URL with its placeholders filled.
 *
 * @throws TokenFailure for a parameter that is missing or holds other characters, and for a URL that {@link urlFault} refuses.
 */
export function tokenUrl(template: string, params: Readonly<Record<string, string>>): URL {
  const filled = template.trim().replace(PLACEHOLDER, (_, name: string) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    if (value !== undefined && SAFE_VALUE.test(value)) return value;
    const fault = value === undefined ? "is not set" : "holds characters that a URL must not get from it";
    throw new TokenFailure(
      "misconfigured",
      `the connection's parameter ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))} ${fault}`,
    );
  });
  const fault = urlFault(filled);
  if (fault !== undefined) throw new TokenFailure("misconfigured", `the token URL ${fault}`);
  return new URL(filled);
}

/** What is wrong with a URL whose placeholders may still be open. Secrets go there, so it must be https (RFC 6749 §3.2). */
export function urlFault(template: string): string | undefined {
  const url = URL.parse(template.trim().replace(PLACEHOLDER, "x"));
  if (url === null || !/^https?:$/.test(url.protocol)) return "is not an absolute URL of https";
  if (url.username !== "" || url.password !== "") return "holds credentials";
  if (url.protocol === "http:" && !isLoopback(url.hostname)) return "must be https, except on this machine";
  return undefined;
}

function isLoopback(hostname: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}
