// `request.host` for authors' unit tests: the real clients over services that the test writes. No bridge, no gestaltd, no worker.
import type { DescService } from "@bufbuild/protobuf";
import { createRouterTransport, type ServiceImpl, type Transport } from "@connectrpc/connect";
import type { AgentHost } from "../../gen/gestalt/provider/v1/agent_host_pb.ts";
import type { AgentManagerHost } from "../../gen/gestalt/provider/v1/agent_manager_pb.ts";
import type { AuthorizationProvider } from "../../gen/gestalt/provider/v1/authorization_pb.ts";
import type { Cache } from "../../gen/gestalt/provider/v1/cache_pb.ts";
import type { IndexedDB } from "../../gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { PluginInvoker } from "../../gen/gestalt/provider/v1/plugin_invoker_pb.ts";
import type { PluginRuntimeLogHost } from "../../gen/gestalt/provider/v1/runtime_log_pb.ts";
import type { S3 } from "../../gen/gestalt/provider/v1/s3_pb.ts";
import type { WorkflowHost } from "../../gen/gestalt/provider/v1/workflow_host_pb.ts";
import type { WorkflowManagerHost } from "../../gen/gestalt/provider/v1/workflow_manager_pb.ts";
import { type HostServiceKey, hostServiceName } from "../../wire/host-services.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { HOST_CLIENTS } from "./clients.ts";
import { addHostServices, type HostServices, installHostClients, loadHostServices } from "./host.ts";
import type { HostCaller } from "./link.ts";

/**
 * Services by the names of `request.host`, with the binding behind a colon where there are several: `"cache:main"`. Each is either
 * methods of the gRPC service as functions from its messages to its messages, of which those not given are UNIMPLEMENTED, or any
 * Connect `Transport` that reaches one.
 */
export type TestServices = {
  readonly [Key in keyof Protocol]?: Transport | Partial<ServiceImpl<Protocol[Key]>>;
} & {
  readonly [Key in BoundKey as `${Key}:${string}`]?: Transport | Partial<ServiceImpl<Protocol[Key]>>;
};

export interface TestHostOptions {
  /** The request's; empty when left out. */
  readonly invocationToken?: string | undefined;
  /** Session variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Aborts what the clients do. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline?: number | undefined;
}

/**
 * Makes the host services of a test's request. Nothing else exists on it.
 *
 * @example
 * const stored = new Map<string, Uint8Array>();
 * const host = await testHost({
 *   cache: {
 *     get: ({ key }) => ({ found: stored.has(key), value: stored.get(key) ?? new Uint8Array() }),
 *     set({ key, value }) {
 *       stored.set(key, value);
 *       return {};
 *     },
 *   },
 * });
 * await host.cache().set("greeting", "hello");
 * await remember({ name: "Ada" }, request({ host }));
 */
export async function testHost<const Services extends TestServices>(
  services: Services,
  options: TestHostOptions = {},
): Promise<Pick<HostServices, KeyOf<keyof Services>>> {
  const transports = new Map<string, Transport>();
  for (const [name, service] of Object.entries(services)) {
    if (service === undefined) continue;
    const [key = "", binding] = name.split(/:(.*)/s);
    const known = PROTOCOL[key as HostServiceKey];
    if (known === undefined) throw new TypeError(`testHost: "${key}" is no host service; there are ${KNOWN}.`);
    transports.set(hostServiceName(key as HostServiceKey, binding), await transportTo(known, service));
  }
  const caller = callerOf(transports, options);
  installHostClients(HOST_CLIENTS);
  await loadHostServices(caller.offered, undefined);
  return addHostServices({}, caller, undefined) as Pick<HostServices, KeyOf<keyof Services>>;
}

type KeyOf<Name> = Extract<Name extends `${infer Key}:${string}` ? Key : Name, HostServiceKey>;

interface Protocol {
  cache: typeof Cache;
  s3: typeof S3;
  indexedDB: typeof IndexedDB;
  plugins: typeof PluginInvoker;
  workflows: typeof WorkflowManagerHost;
  workflowHost: typeof WorkflowHost;
  agents: typeof AgentManagerHost;
  agentHost: typeof AgentHost;
  authorization: typeof AuthorizationProvider;
  runtimeLogs: typeof PluginRuntimeLogHost;
}

type BoundKey = "cache" | "s3" | "indexedDB";

/** Loaded as the clients are, and with them. */
const PROTOCOL: { readonly [Key in HostServiceKey]: () => Promise<DescService> } = {
  cache: async () => (await import("../../gen/gestalt/provider/v1/cache_pb.ts")).Cache,
  s3: async () => (await import("../../gen/gestalt/provider/v1/s3_pb.ts")).S3,
  indexedDB: async () => (await import("../../gen/gestalt/provider/v1/indexeddb_pb.ts")).IndexedDB,
  plugins: async () => (await import("../../gen/gestalt/provider/v1/plugin_invoker_pb.ts")).PluginInvoker,
  workflows: async () => (await import("../../gen/gestalt/provider/v1/workflow_manager_pb.ts")).WorkflowManagerHost,
  workflowHost: async () => (await import("../../gen/gestalt/provider/v1/workflow_host_pb.ts")).WorkflowHost,
  agents: async () => (await import("../../gen/gestalt/provider/v1/agent_manager_pb.ts")).AgentManagerHost,
  agentHost: async () => (await import("../../gen/gestalt/provider/v1/agent_host_pb.ts")).AgentHost,
  authorization: async () => (await import("../../gen/gestalt/provider/v1/authorization_pb.ts")).AuthorizationProvider,
  runtimeLogs: async () => (await import("../../gen/gestalt/provider/v1/runtime_log_pb.ts")).PluginRuntimeLogHost,
};

const KNOWN = Object.keys(PROTOCOL).join(", ");

/** gestaltd's, which hold on the channel too. */
const LIMITS = { readMaxBytes: MAX_MESSAGE_BYTES, writeMaxBytes: MAX_MESSAGE_BYTES };

async function transportTo(protocol: () => Promise<DescService>, service: object): Promise<Transport> {
  if ("unary" in service && "stream" in service) return service as Transport;
  const description = await protocol();
  return createRouterTransport((router) => router.service(description, service), { transport: LIMITS });
}

function callerOf(transports: ReadonlyMap<string, Transport>, options: TestHostOptions): HostCaller {
  const { invocationToken = "", env = {}, signal = new AbortController().signal, deadline } = options;
  return {
    offered: [...transports.keys()],
    transport(name) {
      const transport = transports.get(name);
      if (transport === undefined) throw new TypeError(`testHost was given no ${name}`);
      return transport;
    },
    signal,
    deadline,
    invocationToken,
    env,
  };
}
