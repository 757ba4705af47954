// Calls to a worker with a session of the command's own: the same target, token and protocol that the bridge uses.
import { randomUUID } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import type { UniversalClientFn } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import type { Dispatcher } from "undici";
import { configured, type Session } from "../bridge/session/session.ts";
import { sessionUpstream } from "../bridge/session/session-upstream.ts";
import type { Target } from "../bridge/target/target.ts";
import type { UpstreamSource } from "../bridge/upstream.ts";
import { MAX_MESSAGE_BYTES } from "../wire/limits.ts";
import type { JsonObject } from "../wire/session-token.ts";
import { CliError } from "./errors.ts";

export interface SessionOptions {
  /** The provider of the worker's `serve({ … })`; questions about the worker itself need none in particular. */
  readonly provider: string;
  readonly config?: JsonObject | undefined;
  /** Id of the session; a new one when left out. */
  readonly session?: string | undefined;
}

/** Stands for the provider in sessions that only ask the worker about itself; no provider can be called so. */
export const NO_PROVIDER = "-";

/** A client for a service of the worker behind `target`. */
export function workerClient<S extends DescService>(
  target: Target,
  service: S,
  options: SessionOptions = { provider: NO_PROVIDER },
): Client<S> {
  const { provider, config, session: id = randomUUID() } = options;
  const bare: Session = {
    ...{ id, revision: 0, provider, name: provider, config: undefined },
    ...{ variables: {}, hosts: [] },
  };
  const session = config === undefined ? bare : configured(bare, config);
  return createClient(service, transportTo(sessionUpstream(session, target)));
}

function transportTo(source: UpstreamSource): Transport {
  return createTransport({
    ...{ baseUrl: PLACEHOLDER_ORIGIN, httpClient: httpClient(source), useBinaryFormat: true, interceptors: [] },
    ...{ acceptCompression: [], sendCompression: null, compressMinBytes: 0 },
    ...{ readMaxBytes: MAX_MESSAGE_BYTES, writeMaxBytes: MAX_MESSAGE_BYTES },
  });
}

/** The origin is put in for each call, because an embedded worker can come back at another one. */
const PLACEHOLDER_ORIGIN = "http://worker";

function httpClient(source: UpstreamSource): UniversalClientFn {
  return async ({ url, method, header, body, signal }) => {
    const { origin, basePath, dispatcher, headers } = await source.upstream();
    const response = await dispatcher.request({
      ...{ origin, path: `${basePath}${new URL(url).pathname}`, method: method as Dispatcher.HttpMethod },
      headers: { ...Object.fromEntries(header), ...headers },
      body: body === undefined ? null : await collect(body),
      signal: signal ?? null,
    });
    const received = new Headers();
    for (const [name, value] of Object.entries(response.headers)) received.set(name, String(value));
    return { status: response.statusCode, header: received, body: response.body, trailer: new Headers() };
  };
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Says a worker's refusal in the command's own terms. */
export function explainRefusal(error: unknown, target: Target): unknown {
  if (!(error instanceof ConnectError)) return error;
  const { rawMessage: what, code, cause } = error;
  if (cause instanceof Error && cause.name === "BridgeError") return cause;
  return new CliError({ what, where: target.description, fix: FIXES[code] });
}

const FIXES: { readonly [code in Code]?: string } = {
  [Code.Unauthenticated]:
    "Compare the worker's GESTALT_EDGE_NAME and GESTALT_EDGE_JWKS with the key and name that were used; see docs/cli.md",
  [Code.Unavailable]: "Check that the worker is deployed and that this machine can reach it, then try again",
  [Code.Internal]: "The worker's log says why: `gestalt-edge dev` or `wrangler tail` shows it",
  [Code.InvalidArgument]: "Correct the config given with --config",
  [Code.FailedPrecondition]: "Do as the sentence says, then try again",
};
