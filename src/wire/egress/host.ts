// The one form of a host that rules and requests are compared in: lower case, punycode, IPv4 as four decimal numbers, IPv6
// without brackets and shortest, no trailing dot.

/** What can stand in no host, but would give a URL another meaning. `%` also keeps IPv6 zones out. */
const NOT_IN_A_HOST = /[\s/?#@\\%[\]]/;

/**
 * Brings a host into the form that is compared; undefined when the text is none. IPv6 comes with or without brackets.
 * Whatever `fetch` takes for the same host becomes the same text, since both leave it to the URL standard: `BÜCHER.example`,
 * `xn--bcher-kva.example.`; `127.1`, `0x7f.0.0.1`.
 */
export function normaliseHost(text: string): string | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const isIPv6 = bare.includes(":");
  if (bare === "" || NOT_IN_A_HOST.test(bare) || (bare !== text && !isIPv6)) return undefined;
  let hostname: string;
  try {
    ({ hostname } = new URL(`http://${isIPv6 ? `[${bare}]` : bare}/`));
  } catch {
    return undefined;
  }
  const host = isIPv6 ? hostname.slice(1, -1) : hostname.replace(/\.$/, "");
  return host === "" ? undefined : host;
}

/** Whether a normalised host is an address: wildcards match names only. */
export function isAddress(host: string): boolean {
  // The URL standard makes an IPv4 address of every host whose last label is a number.
  return host.includes(":") || /^[\d.]+$/.test(host);
}

/** `example.com:443`, `[::1]:443`. */
export function hostAndPort(host: string, port: number): string {
  return `${inUrl(host)}:${port}`;
}

/** A normalised host as it stands in URLs and `Host` headers. */
export function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Splits `host:port`, `[::1]:port` or `host`. The port is undefined when none stands there; undefined when it is no port. */
export function splitPort(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const { host, port } = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {};
  if (host === undefined) return text.startsWith("[") ? undefined : splitBareIPv6(text);
  const number = port === undefined ? undefined : Number(port);
  return number === 0 || (number ?? 1) > MAX_PORT ? undefined : { host, port: number };
}

const MAX_PORT = 65_535;

/** Several colons and no brackets: an IPv6 address, all of it. */
function splitBareIPv6(text: string) {
  return text.split(":").length > 2 ? { host: text, port: undefined } : undefined;
}
