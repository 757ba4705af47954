// Runs a `*.worker.ts` in real workerd and makes everything a test needs to call it: keys, tokens, clients.
import type { webcrypto } from "node:crypto";
import { Agent } from "node:http";
import { connect } from "node:net";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { type ConnectTransportOptions, createConnectTransport } from "@connectrpc/connect-node";
import { build } from "esbuild";
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { Miniflare, type WorkerOptions } from "miniflare";
import { JWKS_BINDING, NAME_BINDING } from "../../src/wire/bindings.ts";
import { TOKEN_LIFETIME_SECONDS } from "../../src/wire/limits.ts";
import { type SessionClaims, TOKEN_ALGORITHM, TOKEN_ISSUER } from "../../src/wire/session-token.ts";

/** Name of the worker, so the audience of its tokens. */
export const WORKER_NAME = "test-worker";

const COMPATIBILITY_DATE = "2026-07-01";
const COMPATIBILITY_FLAGS = ["enable_request_signal", "nodejs_als"];

export interface StartWorkerOptions
  extends Partial<
    Pick<
      WorkerOptions,
      | "compatibilityFlags"
      | "kvNamespaces"
      | "r2Buckets"
      | "durableObjects"
      | "unsafeEphemeralDurableObjects"
      | "secretsStoreSecrets"
    >
  > {
  /** Path or file URL of the worker's module: `new URL("./cache.worker.ts", import.meta.url)`. */
  readonly entry: string | URL;
  /** Variables and secrets. Those given win over the harness's own; `undefined` removes one. */
  readonly vars?: Readonly<Record<string, string | undefined>>;
  /** The `provider` claim of tokens that name none. */
  readonly provider?: string;
  /** Gets each line the worker logs. Without it they go nowhere. */
  readonly onLog?: (line: string) => void;
}

export interface TestWorker {
  /** Scheme, host and port, without a trailing slash. */
  readonly url: string;
  /** The private key whose tokens it accepts, as PEM: what a bridge in front of it is configured with. */
  readonly privateKey: string;
  /** A signed session token. Overrides win over the claims of a live, configured session; `undefined` removes one. */
  token(claims?: TokenClaims): Promise<string>;
  /** A client over HTTP/1.1 in binary form, each call with a fresh token of these claims. */
  client<S extends DescService>(service: S, claims?: TokenClaims, options?: ClientOptions): Client<S>;
  /** Any request, without a token unless the caller sends one. `path` begins with a slash. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Node's end of the bindings: the same KV, R2 and Durable Objects the worker has. */
  readonly miniflare: Miniflare;
  dispose(): Promise<void>;
}

export type TokenClaims = { readonly [K in keyof SessionClaims]?: SessionClaims[K] | undefined };

export type ClientOptions = Partial<Omit<ConnectTransportOptions, "baseUrl" | "httpVersion">>;

/** A key pair in the forms bridge and worker use. */
export interface SigningKey {
  readonly privateKey: webcrypto.CryptoKey;
  /** Public key with its `kid`. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Its id is the thumbprint, as the bridge has it, unless one is given. */
export async function createSigningKey(id?: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(TOKEN_ALGORITHM, { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = id ?? (await calculateJwkThumbprint(jwk));
  return { privateKey, jwk: { ...jwk, kid, alg: TOKEN_ALGORITHM, use: "sig" } };
}

export function jwks(...keys: readonly SigningKey[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}

/** Claims of a session that is live and configured with `{}`. */
export function sessionClaims(claims: TokenClaims = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: TOKEN_ISSUER,
    aud: WORKER_NAME,
    sid: "session-1",
    rev: 0,
    name: "test",
    config: {},
    iat: now,
    nbf: now,
    exp: now + TOKEN_LIFETIME_SECONDS,
    ...claims,
  } as JWTPayload;
}

export function signToken(key: SigningKey, claims: JWTPayload): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: String(key.jwk.kid), typ: "JWT" })
    .sign(key.privateKey);
}

/** Bundles and starts a worker. The caller disposes of it, in `after()`. */
export async function startWorker(options: StartWorkerOptions): Promise<TestWorker> {
  const { entry, vars = {}, provider, onLog, ...resources } = options;
  const key = await createSigningKey();
  const bindings = definedOnly({ [NAME_BINDING]: WORKER_NAME, [JWKS_BINDING]: jwks(key), ...vars });
  const miniflare = new Miniflare({
    name: WORKER_NAME,
    // Named, or Miniflare would look for modules itself and refuse an import by a computed name (async-context.ts).
    modules: [{ type: "ESModule", path: "worker.js", contents: await bundle(entry) }],
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: COMPATIBILITY_FLAGS,
    bindings,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => forwardLines([stdout, stderr], onLog),
    ...resources,
  });
  const url = (await miniflare.unsafeGetDirectURL()).origin;
  const agent = new Agent({ keepAlive: true });
  const token = (claims: TokenClaims = {}) => signToken(key, sessionClaims({ provider, ...claims }));
  return {
    url,
    miniflare,
    privateKey: await exportPKCS8(key.privateKey),
    token,
    client: (service, claims, clientOptions = {}) =>
      createClient(
        service,
        transport(url, agent, () => token(claims), clientOptions),
      ),
    fetch: (path, init) => fetch(url + path, init),
    async dispose() {
      agent.destroy();
      await miniflare.dispose();
    },
  };
}

function transport(baseUrl: string, agent: Agent, token: () => Promise<string>, options: ClientOptions): Transport {
  const bearer: Interceptor = (next) => async (request) => {
    request.header.set("authorization", `Bearer ${await token()}`);
    return next(request);
  };
  return createConnectTransport({
    baseUrl,
    httpVersion: "1.1",
    useBinaryFormat: true,
    nodeOptions: { agent },
    ...options,
    interceptors: [bearer, ...(options.interceptors ?? [])],
  } as ConnectTransportOptions);
}

/** Sends the head of a request and no body; resolves with all that comes back until the body of the answer. */
export async function answerToHead(url: string, head: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    let answer = "";
    for await (const data of socket.setEncoding("utf8")) {
      answer += data;
      if (/\r\n\r\n./.test(answer)) break;
    }
    return answer;
  } finally {
    socket.destroy();
  }
}

const worker = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

/** Bundles as `gestalt-edge build` does; `gestalt-edge` itself comes from source. */
export async function bundle(entry: string | URL, minify = false): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [typeof entry === "string" ? entry : fileURLToPath(entry)],
    bundle: true,
    write: false,
    minify,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    alias: {
      "gestalt-edge": worker("worker/index.ts"),
      "gestalt-edge/channel": worker("worker/channel/host-channel.ts"),
      "gestalt-edge/testing": worker("worker/host/test-host.ts"),
      "gestalt-edge/providers": worker("providers"),
    },
    logLevel: "silent",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild wrote nothing");
  return output.text;
}

function definedOnly(vars: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(vars).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function forwardLines(streams: readonly Readable[], onLog: ((line: string) => void) | undefined): void {
  for (const stream of streams) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLog?.(line);
    });
  }
}
