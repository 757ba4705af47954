// Begins the spans of calls, by OpenTelemetry's conventions for RPC and gRPC, and takes those of the worker.
import { type Attributes, type Tracer as OtelTracer, type Span, SpanKind } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import {
  ATTR_RPC_METHOD,
  ATTR_RPC_METHOD_ORIGINAL,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  RPC_SYSTEM_NAME_VALUE_GRPC,
} from "@opentelemetry/semantic-conventions";
import type { HeaderList } from "../grpc/metadata.ts";
import type { HostAddress } from "../host/address.ts";
import { MAX_SPANS, MAX_TEXT } from "./limits.ts";
import { contextOf } from "./propagation.ts";
import { ClientSpan, ServerSpan, UNKNOWN_METHOD } from "./rpc-span.ts";
import type { CallSpan, ClientCallFacts, EndedSpan, ServerCallFacts, Tracer } from "./tracer.ts";
import { readableSpan } from "./worker-spans.ts";

export interface SpanTracerParts {
  readonly tracer: OtelTracer;
  /** Takes the spans that the SDK did not make. */
  readonly processor: Pick<SpanProcessor, "onEnd">;
  readonly resource: Resource;
  readonly scope: ReadableSpan["instrumentationScope"];
  redact(text: string): string;
}

export class SpanTracer implements Tracer {
  readonly #parts: SpanTracerParts;

  constructor(parts: SpanTracerParts) {
    this.#parts = parts;
  }

  server({ path, known, metadata }: ServerCallFacts): CallSpan {
    const { redact } = this.#parts;
    const name = methodOf(path);
    const attributes = known ? {} : { [ATTR_RPC_METHOD_ORIGINAL]: redact(name).slice(0, MAX_TEXT) };
    const span = this.#begin(SpanKind.SERVER, known ? name : UNKNOWN_METHOD, metadata, attributes);
    return new ServerSpan(span, metadata, redact);
  }

  client({ path, metadata, address }: ClientCallFacts): CallSpan {
    const name = methodOf(path);
    const span = this.#begin(SpanKind.CLIENT, name, metadata, addressAttributes(address));
    return new ClientSpan(span, metadata, this.#parts.redact, name);
  }

  record(spans: readonly EndedSpan[]): void {
    const { processor, resource, scope, redact } = this.#parts;
    for (const span of spans.slice(0, MAX_SPANS)) processor.onEnd(readableSpan(span, { resource, scope, redact }));
  }

  #begin(kind: SpanKind, method: string, metadata: HeaderList, more: Attributes): Span {
    const attributes = { [ATTR_RPC_SYSTEM_NAME]: RPC_SYSTEM_NAME_VALUE_GRPC, [ATTR_RPC_METHOD]: method, ...more };
    return this.#parts.tracer.startSpan(method, { kind, attributes }, contextOf(metadata));
  }
}

/** `gestalt.provider.v1.Cache/Get` */
function methodOf(path: string): string {
  return path.slice(1);
}

function addressAttributes(address: HostAddress): Attributes {
  if (address.kind === "unix") return { [ATTR_SERVER_ADDRESS]: address.path };
  return { [ATTR_SERVER_ADDRESS]: address.host, [ATTR_SERVER_PORT]: address.port };
}
