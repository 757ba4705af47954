// A surface: one service of the protocol with the functions that serve it.
import type {
  DescMethod,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Call } from "./call.ts";

/** Serves one method. Errors are thrown: a `ConnectError` goes out as it is, anything else as INTERNAL without its text. */
export type SurfaceMethod<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: Call) => MessageInitShape<O> | Promise<MessageInitShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, call: Call) => AsyncIterable<MessageInitShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, call: Call) => Promise<MessageInitShape<O>>
        : never;

/** The functions by the method's local name (`getMany`). A method left out is UNIMPLEMENTED. */
export type SurfaceMethods<S extends DescService> = {
  readonly [K in keyof S["method"]]?: SurfaceMethod<S["method"][K]>;
};

/** Serves a unary method from the bytes of its request to those of its answer, each at most `MAX_MESSAGE_BYTES`. */
export type BinaryMethod = (request: Uint8Array, call: Call) => Promise<Uint8Array>;

export interface Surface {
  readonly service: DescService;
  readonly methods: Readonly<Record<string, ((request: never, call: Call) => unknown) | undefined>>;
  /** Serve the binary form of methods that are in `methods` too, whose messages then need not be decoded whole. */
  readonly binary?: Readonly<Record<string, BinaryMethod>>;
  /**
   * The surface runs `Lifecycle.configure` itself, because some of its methods must answer before that, or report its
   * failure in a form of their own. For all others it is run before each call.
   */
  readonly selfConfiguring?: boolean;
}

/** Ties functions to a service, with the types of its methods. */
export function surface<S extends DescService>(
  service: S,
  methods: SurfaceMethods<S>,
  options: Pick<Surface, "binary" | "selfConfiguring"> = {},
): Surface {
  return { service, methods: methods as Surface["methods"], ...options };
}
