// Answers GetProviderIdentity: gestaltd asks before configuration whether the kind fits, and afterwards what to display.
import { type ProviderKind, ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import { PACKAGE_VERSION } from "../../wire/version.ts";
import type { LocalCall } from "../grpc/local.ts";
import type { Log } from "../log.ts";
import { callWorker } from "../proxy/worker-call.ts";
import { traceMetadata } from "../tracing/trace-metadata.ts";
import type { UpstreamSource } from "../upstream.ts";

export interface OwnIdentity {
  readonly kind: ProviderKind;
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
}

/** What the bridge itself says; what the worker says of the provider, once `source` leads there, goes before it. */
export async function providerIdentity(
  own: OwnIdentity,
  source: UpstreamSource | undefined,
  call: LocalCall,
  log: Log,
) {
  const { kind, name } = own;
  const versions = { minProtocolVersion: PROTOCOL_VERSION, maxProtocolVersion: PROTOCOL_VERSION };
  const unasked = { ...own, version: PACKAGE_VERSION, ...versions };
  if (source === undefined) return unasked;
  const { deadline, signal } = call;
  const metadata = traceMetadata(call.metadata);
  try {
    const { method } = ProviderLifecycle;
    const told = await callWorker(source, method.getProviderIdentity, {}, { deadline, signal, metadata });
    return { ...told, kind, name, ...versions };
  } catch (error) {
    // What is only displayed must not end the start; the calls that follow report the fault.
    log.warn("the worker does not tell its identity", { error });
    return unasked;
  }
}
