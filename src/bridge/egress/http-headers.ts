// Headers on their way through the gate: everything passes but what belongs to one connection, or to the gate itself.
import { DENIED_HEADER } from "../../wire/egress/denial.ts";

/** RFC 9110 §7.6.1, and `expect`, which the gate itself has answered. */
const OF_THE_CONNECTION = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
]);

type Keep = (name: string) => boolean;

/**
 * `raw` as Node gives it: names and values in turn. The `Host` header is made of the address that was checked, so that a header
 * of the worker's cannot lead a shared front end to another host.
 */
export function requestHeaders(raw: readonly string[], host: string): string[] {
  const listed = connectionTokens(raw);
  return ["Host", host, ...filtered(raw, (name) => name !== "host" && passes(name, listed))];
}

/** Of a WebSocket upgrade, whose connection headers are meant for the host. */
export function upgradeHeaders(raw: readonly string[], host: string): string[] {
  const kept = requestHeaders(raw, host);
  return [...kept, "Connection", "Upgrade", "Upgrade", "websocket"];
}

/** No host may pass for the gate. */
export function responseHeaders(raw: readonly string[]): string[] {
  const listed = connectionTokens(raw);
  return filtered(raw, (name) => name !== DENIED_HEADER && passes(name, listed));
}

/** `transfer-encoding` stays: Node does the framing on both sides, and sees by it that there is a body. */
function passes(name: string, listed: ReadonlySet<string>): boolean {
  return !OF_THE_CONNECTION.has(name) && (!listed.has(name) || name === "transfer-encoding");
}

/** Headers that a `Connection` header names belong to the connection too. */
function connectionTokens(raw: readonly string[]): ReadonlySet<string> {
  const tokens = new Set<string>();
  for (const [name, value] of pairs(raw)) {
    if (name.toLowerCase() !== "connection") continue;
    for (const token of value.split(",")) tokens.add(token.trim().toLowerCase());
  }
  return tokens;
}

function filtered(raw: readonly string[], keep: Keep): string[] {
  return [...pairs(raw)].flatMap(([name, value]) => (keep(name.toLowerCase()) ? [name, value] : []));
}

function* pairs(raw: readonly string[]): Iterable<readonly [string, string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) yield [raw[index] ?? "", raw[index + 1] ?? ""];
}
