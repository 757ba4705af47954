// The span of one call under way: what it passes on, and what it says when the call has ended.
import { type Span, SpanStatusCode } from "@opentelemetry/api";
import {
  ATTR_ERROR_TYPE,
  ATTR_RPC_METHOD,
  ATTR_RPC_METHOD_ORIGINAL,
  ATTR_RPC_STATUS_CODE,
} from "@opentelemetry/semantic-conventions";
import { GrpcCode, nameOfGrpcCode } from "../../wire/codes.ts";
import type { HeaderList } from "../grpc/metadata.ts";
import { MAX_TEXT } from "./limits.ts";
import { withSpan } from "./propagation.ts";
import type { CallSpan } from "./tracer.ts";

/** The conventions' name of a method that the server does not know: nobody must make up names without end. */
export const UNKNOWN_METHOD = "_OTHER";

type EndStatus = Parameters<CallSpan["end"]>[0];

abstract class RpcSpan implements CallSpan {
  readonly metadata: HeaderList;
  protected readonly span: Span;
  readonly #redact: (text: string) => string;

  constructor(span: Span, metadata: HeaderList, redact: (text: string) => string) {
    this.span = span;
    this.metadata = withSpan(metadata, span);
    this.#redact = redact;
  }

  end({ code, message }: EndStatus): void {
    const name = statusName(code);
    this.span.setAttribute(ATTR_RPC_STATUS_CODE, name);
    if (this.isFault(code)) {
      this.span.setAttribute(ATTR_ERROR_TYPE, name);
      this.span.setStatus({ code: SpanStatusCode.ERROR, message: this.#redact(message).slice(0, MAX_TEXT) });
    }
    this.span.end();
  }

  protected abstract isFault(code: GrpcCode): boolean;
}

/** Statuses that are a server's fault and not its caller's ("Semantic conventions for gRPC"). */
const SERVER_FAULTS: ReadonlySet<number> = new Set([
  GrpcCode.unknown,
  GrpcCode.deadlineExceeded,
  GrpcCode.unimplemented,
  GrpcCode.internal,
  GrpcCode.unavailable,
  GrpcCode.dataLoss,
]);

export class ServerSpan extends RpcSpan {
  protected isFault(code: GrpcCode): boolean {
    return SERVER_FAULTS.has(code);
  }
}

export class ClientSpan extends RpcSpan {
  readonly #method: string;

  constructor(span: Span, metadata: HeaderList, redact: (text: string) => string, method: string) {
    super(span, metadata, redact);
    this.#method = method;
  }

  override end(status: EndStatus): void {
    // Which methods there are, gestaltd knows.
    if (status.code === GrpcCode.unimplemented) {
      this.span.updateName(UNKNOWN_METHOD);
      const original = this.#method.slice(0, MAX_TEXT);
      this.span.setAttributes({ [ATTR_RPC_METHOD]: UNKNOWN_METHOD, [ATTR_RPC_METHOD_ORIGINAL]: original });
    }
    super.end(status);
  }

  protected isFault(code: GrpcCode): boolean {
    return code !== GrpcCode.ok;
  }
}

/** As gRPC writes it, which has two Ls where Connect has one. A peer may send a number that has no name. */
function statusName(code: GrpcCode): string {
  const name: string | undefined = nameOfGrpcCode(code);
  return code === GrpcCode.canceled ? "CANCELLED" : (name?.toUpperCase() ?? String(code));
}
