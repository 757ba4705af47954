// The HTTP connections to a worker: one pool per target, with its times and sizes.
import { type Dispatcher, EnvHttpProxyAgent, Pool } from "undici";
import { trustedAuthorities } from "../trusted-authorities.ts";
import { resettingConnector } from "./connector.ts";

export interface PoolOptions {
  readonly origin: string;
  /** PEM of a certificate authority trusted beside the usual ones. */
  readonly ca?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Longest idle time of a connection, in milliseconds. Cloudflare closes after about 30 s; a call sent on a connection that
 * the other side is closing is lost, and POSTs are not repeated.
 */
const MAX_IDLE_MS = 20_000;
/** A worker that does not even accept within this time is not there, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
/** More calls wait for a free connection; keeps a burst from opening a descriptor per call. */
const MAX_CONNECTIONS = 256;
const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];

export function openPool({ origin, ca, env }: PoolOptions): Dispatcher {
  const options = {
    keepAliveTimeout: MAX_IDLE_MS,
    keepAliveMaxTimeout: MAX_IDLE_MS,
    connections: MAX_CONNECTIONS,
  };
  const connect = { timeout: CONNECT_TIMEOUT_MS, ...(ca === undefined ? {} : { ca: trustedAuthorities(ca, env) }) };
  const proxied = PROXY_VARIABLES.some((name) => env[name]);
  return proxied
    ? new EnvHttpProxyAgent({ ...options, connect })
    : new Pool(origin, { ...options, connect: resettingConnector(connect) });
}
