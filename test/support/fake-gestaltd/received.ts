// What a fake host service was asked, in order, and how long each caller would wait.
import type { DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";

export interface Received<S extends DescService> {
  readonly method: keyof S["method"];
  readonly request: MessageShape<S["method"][keyof S["method"]]["input"]>;
  /** Milliseconds left of the call's deadline when it arrived; undefined when it had none. */
  readonly timeoutMs: number | undefined;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
}

/** The same service, whose calls are kept in `received` before they are handled. */
export function recording<S extends DescService>(
  service: S,
  handlers: ServiceImpl<S>,
  received: Received<S>[],
): ServiceImpl<S> {
  const recorded = service.methods.map((method: DescMethod) => {
    const handle = handlers[method.localName] as (request: never, context: HandlerContext) => unknown;
    return [
      method.localName,
      (request: never, context: HandlerContext) => {
        const { signal } = context;
        received.push({ method: method.localName, request, timeoutMs: context.timeoutMs(), signal });
        return handle(request, context);
      },
    ];
  });
  return Object.fromEntries(recorded) as ServiceImpl<S>;
}
