// Takes the place of `cloudflare:sockets` in bundles: the same, but where a gate stands before the worker. There TLS is left to
// the gate, and a denied connection says why. It guards nothing; the gate does.
import { connect as connectDirectly } from "cloudflare:sockets";
import { env } from "cloudflare:workers";
import { EGRESS_GATE_BINDING } from "../../wire/bindings.ts";
import { DENIED_HEADER, DENIED_STATUS } from "../../wire/egress/denial.ts";
import { gatedName, START_TLS_URL, VERDICT_URL } from "../../wire/egress/gate-address.ts";
import { hostAndPort, normaliseHost } from "../../wire/egress/host.ts";
import { EgressDeniedError } from "./error.ts";
import { type Address, addressOf } from "./socket-address.ts";

type Connect = typeof connectDirectly;

export const connect: Connect = (address, options) => {
  const isGated = (env as Readonly<Record<string, unknown>>)[EGRESS_GATE_BINDING] !== undefined;
  if (!isGated) return connectDirectly(address, options);
  const { secureTransport = "off", ...rest } = options ?? {};
  const target = addressOf(address);
  if (secureTransport === "off") return explained(connectDirectly(address, options), target);
  const { host, port } = target;
  const id = crypto.randomUUID();
  const name = gatedName({ host, tls: secureTransport === "on" ? "on" : { id } });
  const socket = explained(connectDirectly({ hostname: name, port }, rest as SocketOptions), target);
  return secureTransport === "on" ? socket : { ...socket, startTls: () => secured(socket, id) };
};

/** The socket, whose `opened` rejects with an {@link EgressDeniedError} when it was denied. */
function explained(socket: Socket, target: Address): Socket {
  const { readable, writable, closed, upgraded, secureTransport } = socket;
  const opened = socket.opened.catch(async (error: unknown) => {
    throw (await denialOf(target).catch(() => undefined)) ?? error;
  });
  // Whoever does not look at it has not left it unhandled.
  opened.catch(() => undefined);
  const startTls = () => socket.startTls();
  return { readable, writable, closed, opened, upgraded, secureTransport, close: () => socket.close(), startTls };
}

async function denialOf({ host, port }: Address): Promise<EgressDeniedError | undefined> {
  try {
    const response = await fetch(`${VERDICT_URL}?${new URLSearchParams({ host, port: String(port) })}`);
    const rule = response.status === DENIED_STATUS ? response.headers.get(DENIED_HEADER) : null;
    return rule === null ? undefined : denied(host, port, rule, await response.text());
  } catch (error) {
    // `fetch` itself makes this error of the answer, but not of the address that was asked for.
    return error instanceof EgressDeniedError ? denied(host, port, error.rule, error.message) : undefined;
  }
}

function denied(host: string, port: number, rule: string, reason: string): EgressDeniedError {
  return new EgressDeniedError(hostAndPort(normaliseHost(host) ?? host, port), rule, reason);
}

/** As `startTls`, after which the old socket's streams are no longer used. What is written waits for the handshake. */
function secured(socket: Socket, id: string): Socket {
  const ready = startTls(id);
  ready.catch(() => undefined);
  const writer = ready.then(() => (socket.writable as WritableStream<unknown>).getWriter());
  writer.catch(() => undefined);
  const writable = new WritableStream({
    start: async () => void (await writer),
    write: async (chunk) => (await writer).write(chunk),
    close: async () => (await writer).close(),
    abort: async (reason) => (await writer).abort(reason),
  });
  // A new stream, as a new socket has: nothing has been read from it yet.
  const readable = socket.readable.pipeThrough(new IdentityTransformStream());
  const opened = ready.then(() => socket.opened);
  opened.catch(() => undefined);
  const again = () => {
    throw new TypeError("startTls can be called once.");
  };
  return { ...socket, readable, writable, opened, secureTransport: "on", close: () => socket.close(), startTls: again };
}

async function startTls(id: string): Promise<void> {
  const { ok } = await fetch(`${START_TLS_URL}?${new URLSearchParams({ id })}`, { method: "POST" });
  if (!ok) throw new TypeError("The TLS handshake failed.");
}
