// Addresses by which a worker asks the gate for more than a connection. workerd hands its `connect()` to a gate only without
// TLS, so the gate speaks TLS for it; and it does not say why a connection was refused.
//
// They lie below a name that RFC 6761 keeps from ever existing, and the gate applies the policy to the host they stand for.

const ZONE = "gestalt-edge.invalid";

/** `?host=…&port=…`: 204, or the answer of a denied `fetch`. */
export const VERDICT_URL = `http://verdict.${ZONE}/`;
/** `POST ?id=…`: the gate speaks TLS on that connection from now on; 204 when the handshake is done. */
export const START_TLS_URL = `http://start-tls.${ZONE}/`;

export interface GatedConnection {
  readonly host: string;
  /** `on`: TLS from the start. An id: when {@link START_TLS_URL} is asked for it. */
  readonly tls: "on" | { readonly id: string };
}

/** Longest label of a name, in characters (RFC 1035). */
const LABEL = 63;

/** What to connect to instead of the host, in `connect()`'s first argument less the port. */
export function gatedName({ host, tls }: GatedConnection): string {
  const hex = [...new TextEncoder().encode(host)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const labels = hex.match(new RegExp(`.{1,${LABEL}}`, "g")) ?? [];
  return [...labels, tls === "on" ? "on" : `id-${tls.id}`, "tls", ZONE].join(".");
}

/** Undefined when the name is an ordinary one. */
export function parseGatedName(name: string): GatedConnection | undefined {
  const { labels, mode } = NAME.exec(name)?.groups ?? {};
  if (labels === undefined || mode === undefined) return undefined;
  const bytes = labels.replaceAll(".", "").match(/../g) ?? [];
  const host = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
  return { host, tls: mode === "on" ? "on" : { id: mode.slice("id-".length) } };
}

const NAME = /^(?<labels>[0-9a-f.]+)\.(?<mode>on|id-[0-9a-f-]+)\.tls\.gestalt-edge\.invalid$/;
