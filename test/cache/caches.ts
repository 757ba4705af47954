// Starts the worker under test and gives Cache clients for its providers.
import { createHash } from "node:crypto";
import type { Client } from "@connectrpc/connect";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { type GrpcClientName, startBridgedClients } from "../support/bridged-clients.ts";
import { startWorker } from "../support/worker-harness.ts";

export type CacheClient = Client<typeof Cache>;

/** The providers of caches.worker.ts that must behave alike. */
export const BACKENDS = ["kv", "objects", "single"] as const;
export type Backend = (typeof BACKENDS)[number];

export interface Caches {
  /** A client in a session of its own with this config. */
  client(backend: Backend | "batches", config?: JsonObject): CacheClient;
  /** Moves the worker's clock on by so many milliseconds. */
  advance(milliseconds: number): Promise<void>;
  /** Calls one of the worker's test controls. */
  control<Answer = unknown>(name: string, body?: unknown): Promise<Answer>;
  /** Posts one call as JSON, for what a typed client cannot send. */
  postJson(backend: Backend, method: string, body: string): Promise<Response>;
  stop(): Promise<void>;
}

/** `through` names the gRPC client that calls by way of the built bridge; without it calls go to the worker over HTTP. */
export async function startCaches(through?: GrpcClientName): Promise<Caches> {
  const worker = await startWorker({
    entry: new URL("./caches.worker.ts", import.meta.url),
    kvNamespaces: ["CACHE", "OTHER"],
    durableObjects: { CACHE_OBJECT: { className: "ClockedCacheObject", useSQLite: true } },
  });
  const bridged = through && (await startBridgedClients(worker, "cache", through));
  let sessions = 0;
  const control = async <Answer>(name: string, body: unknown = null): Promise<Answer> => {
    const response = await worker.fetch(`/test/${name}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`/test/${name}: ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  return {
    client: (provider, config = {}) =>
      bridged?.client(Cache, provider, config) ??
      worker.client(Cache, { provider, config, sid: `session-${sessions++}` }),
    advance: async (milliseconds) => void (await control("advance", milliseconds)),
    control,
    postJson: async (provider, method, body) =>
      worker.fetch(`/${Cache.typeName}/${method}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${await worker.token({ provider })}`,
        },
        body,
      }),
    async stop() {
      await bridged?.stop();
      await worker.dispose();
    },
  };
}

/** A Duration of so many milliseconds, fractions allowed. */
export function duration(milliseconds: number): { seconds: bigint; nanos: number } {
  const nanos = BigInt(Math.round(milliseconds * 1_000_000));
  return { seconds: nanos / 1_000_000_000n, nanos: Number(nanos % 1_000_000_000n) };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * Bytes in a form to compare and to print. Never compare large arrays themselves: the message about a difference of two
 * megabytes takes an assertion minutes to make.
 */
export function print(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (value.byteLength <= 64) return Buffer.from(value).toString("latin1");
  return `${value.byteLength} bytes, SHA-256 ${createHash("sha256").update(value).digest("hex")}`;
}

/** What the worker's fault layers have seen since faults were last injected. */
export interface Observed {
  readonly kv: {
    readonly operations: Readonly<Record<string, number>>;
    readonly mostAtOnce: number;
    /** Last argument of each operation. */
    readonly options: readonly unknown[];
  };
  /** `<object name> <method>` of each call. */
  readonly objectCalls: readonly string[];
  /** Pauses between tries, in milliseconds. */
  readonly pauses: readonly number[];
}
