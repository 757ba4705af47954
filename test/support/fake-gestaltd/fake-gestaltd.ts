// A gestaltd of which only the host services are there: real gRPC servers on unix, tcp and TLS, written from reference §3.
import { mkdtempSync, rmSync } from "node:fs";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { type ConnectRouter, createContextValues } from "@connectrpc/connect";
import { AuthorizationProvider } from "../../../src/gen/gestalt/provider/v1/authorization_pb.ts";
import { Cache } from "../../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IndexedDB } from "../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { PluginInvoker } from "../../../src/gen/gestalt/provider/v1/plugin_invoker_pb.ts";
import { PluginRuntimeLogHost } from "../../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import { S3 } from "../../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../../src/wire/limits.ts";
import { createAuthorization, type FakeAuthorizationOptions } from "./authorization.ts";
import { createCache } from "./cache.ts";
import { callerKey } from "./caller.ts";
import { makeCertificate } from "./certificate.ts";
import { createDispatch } from "./dispatch.ts";
import { Databases, type DatabasesOptions } from "./indexeddb/databases.ts";
import { Listener } from "./listener.ts";
import { createPluginInvoker, type FakePlugins } from "./plugin-invoker.ts";
import { type Grant, RELAY_TOKEN_HEADER, type Refusal, Relay } from "./relay.ts";
import { RuntimeLogs } from "./runtime-logs.ts";
import { createS3, createS3Watch } from "./s3.ts";

export interface FakeGestaltdOptions {
  /** Plugins that can be invoked. */
  readonly plugins?: FakePlugins;
  /** What plugins may do with their databases. */
  readonly databases?: DatabasesOptions;
  /** More services, or others in place of these. */
  readonly routes?: (router: ConnectRouter) => void;
  /** Whether refusals stand in the headers only, or in the trailers that these declare too, as gestaltd has it. */
  readonly refusals?: "headers" | "headers-and-trailers";
}

export type Via = "unix" | "tcp" | "tls";

/** What a session is offered: variables less `GESTALT_`, `_SOCKET` and binding, so `CACHE` or `CACHE_MAIN`. */
export interface Offer {
  readonly plugin: string;
  readonly session: string;
  readonly via: Via;
  readonly hosts: readonly HostName[];
}

/** As gestaltd's table has it: variable, service claim, method prefix. */
const SERVICES = {
  INDEXEDDB: ["indexeddb", "IndexedDB"],
  CACHE: ["cache", "Cache"],
  S3: ["s3", "S3"],
  WORKFLOW_MANAGER: ["workflow_manager", "WorkflowManagerHost"],
  WORKFLOW_HOST: ["workflow_host", "WorkflowHost"],
  AGENT_HOST: ["agent_host", "AgentHost"],
  AGENT_MANAGER: ["agent_manager", "AgentManagerHost"],
  AUTHORIZATION: ["authorization", "AuthorizationProvider"],
  PLUGIN_INVOKER: ["plugin_invoker", "PluginInvoker"],
  RUNTIME_LOG: ["runtime_log_host", "PluginRuntimeLogHost"],
} as const;

type Stem = keyof typeof SERVICES;
export type HostName = Stem | `${"INDEXEDDB" | "CACHE" | "S3"}_${string}`;

export class FakeGestaltd {
  readonly relay = new Relay();
  readonly logs = new RuntimeLogs();
  readonly indexedDB: Databases;
  readonly authorization: FakeAuthorizationOptions = { onlyForPlugins: false };
  readonly s3 = createS3Watch();
  /** Lifetimes that Set, SetMany and Touch of the caches were called with. */
  readonly cacheLifetimes: (Duration | undefined)[] = [];
  readonly #certificate = makeCertificate();
  readonly #folder = mkdtempSync(join(tmpdir(), "gstp-"));
  readonly #refusals: FakeGestaltdOptions["refusals"];
  readonly #dispatch: (request: Http2ServerRequest, response: Http2ServerResponse) => Promise<void>;
  readonly #callers = new WeakMap<object, Grant>();
  readonly tcp: Listener;
  readonly tls: Listener;
  readonly #unix: Listener[] = [];
  #held: (() => void)[] | undefined;
  /** Calls whose caller has given them up, or had its answer, since they were held. */
  abandoned = 0;
  /** The `traceparent` of each call that came with one. */
  readonly traces: string[] = [];

  constructor({ plugins = {}, databases, routes, refusals = "headers-and-trailers" }: FakeGestaltdOptions = {}) {
    this.#refusals = refusals;
    this.indexedDB = new Databases(databases);
    this.#dispatch = createDispatch({
      routes: (router) => {
        router.service(Cache, createCache(this.cacheLifetimes));
        router.service(S3, createS3(this.s3));
        router.service(IndexedDB, this.indexedDB.service);
        router.service(AuthorizationProvider, createAuthorization(this.authorization));
        router.service(PluginInvoker, createPluginInvoker(plugins));
        router.service(PluginRuntimeLogHost, this.logs.service);
        routes?.(router);
      },
      contextValues: (request) => createContextValues().set(callerKey, this.#callers.get(request)),
      readMaxBytes: MAX_MESSAGE_BYTES,
    });
    const relayed = (request: Http2ServerRequest, response: Http2ServerResponse) => void this.#relay(request, response);
    this.tcp = new Listener({}, relayed);
    this.tls = new Listener({ certificate: this.#certificate }, relayed);
  }

  /** PEM of the authority that signed the TLS certificate. */
  get authority(): string {
    return this.#certificate.authority;
  }

  async start(): Promise<this> {
    await Promise.all([this.tcp.start(), this.tls.start()]);
    return this;
  }

  /** The environment that gestaltd gives a provider, as reference §1.2 (unix) and §2.5 (tcp, tls) have it. */
  async offer({ plugin, session, via, hosts }: Offer): Promise<Record<string, string>> {
    const env: Record<string, string> = { GESTALT_RUNTIME_SESSION_ID: session };
    if (via === "tls") env.GESTALT_HOST_SERVICE_TLS_CA_PEM = this.authority;
    this.logs.register(session);
    for (const name of hosts) {
      const grant = grantOf(name, plugin, session);
      const token = await this.relay.mint(grant);
      if (via === "unix") env[grant.variable] = await this.#listenUnix(grant);
      else {
        env[grant.variable] = `${via}://127.0.0.1:${this[via].port}`;
        env[`${grant.variable}_TOKEN`] = token;
      }
    }
    return env;
  }

  /** Calls that wait to be handled, see {@link hold}. */
  get held(): number {
    return this.#held?.length ?? 0;
  }

  /** From now on calls wait before they are handled; the function that is returned lets them all go. */
  hold(): () => void {
    const held: (() => void)[] = [];
    this.#held = held;
    return () => {
      this.#held = undefined;
      for (const go of held) go();
    };
  }

  /** Ends as a killed process does, and comes back on the same addresses with what it stored. */
  async restart(): Promise<void> {
    const listeners = [this.tcp, this.tls, ...this.#unix];
    await Promise.all(listeners.map((listener) => listener.stop()));
    await Promise.all(listeners.map((listener) => listener.start()));
  }

  async stop(): Promise<void> {
    await Promise.all([this.tcp, this.tls, ...this.#unix].map((listener) => listener.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Connections that are open now, of all addresses. */
  get connections(): number {
    return [this.tcp, this.tls, ...this.#unix].reduce((sum, { sockets }) => sum + sockets.size, 0);
  }

  get unix(): readonly Listener[] {
    return this.#unix;
  }

  /** One socket per host service; who calls there is known by that. No token, no checks. */
  async #listenUnix(grant: Grant): Promise<string> {
    const path = join(this.#folder, `host-${this.#unix.length}.sock`);
    const listener = new Listener({ path }, (request, response) => void this.#serve(grant, request, response));
    this.#unix.push(listener);
    await listener.start();
    return path;
  }

  async #relay(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const token = request.headers[RELAY_TOKEN_HEADER];
    const isGrpc = request.headers["content-type"]?.startsWith("application/grpc") === true;
    // Falls through to gestaltd's ordinary routes.
    if (typeof token !== "string" || !isGrpc) {
      response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not found"}');
      return;
    }
    const checked = await this.relay.check(token, request.url);
    if ("code" in checked) refuse(response, checked, this.#refusals);
    else await this.#serve(checked, request, response);
  }

  async #serve(grant: Grant, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const held = this.#held;
    const { traceparent } = request.headers;
    if (typeof traceparent === "string") this.traces.push(traceparent);
    if (held !== undefined) {
      request.stream.once("close", () => {
        this.abandoned += 1;
      });
      await new Promise<void>((go) => held.push(go));
    }
    this.#callers.set(request, grant);
    if (!request.stream.destroyed) await this.#dispatch(request, response);
  }
}

function grantOf(name: HostName, plugin: string, session: string): Grant {
  const stem = (Object.keys(SERVICES) as Stem[]).find((one) => name === one || name.startsWith(`${one}_`));
  if (stem === undefined) throw new Error(`no host service ${name}`);
  const [service, grpcService] = SERVICES[stem];
  return {
    plugin,
    session,
    service,
    variable: `GESTALT_${stem}_SOCKET${name.slice(stem.length)}`,
    methodPrefix: `/gestalt.provider.v1.${grpcService}/`,
  };
}

/** What `grpc.Server.ServeHTTP` makes of a status that is set before the headers are written. */
function refuse(response: Http2ServerResponse, refusal: Refusal, where: FakeGestaltdOptions["refusals"]): void {
  const status = { "grpc-status": String(refusal.code), "grpc-message": refusal.message };
  response.writeHead(200, { "content-type": "application/grpc", trailer: "Grpc-Status, Grpc-Message", ...status });
  if (where === "headers-and-trailers") response.addTrailers(status);
  response.end();
}
