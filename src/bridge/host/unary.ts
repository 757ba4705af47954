// A host call with one message each way, for callers in the bridge that know its types.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { GrpcCode } from "../../wire/codes.ts";
import { join, type Pieces } from "../grpc/frames.ts";
import { pathOf } from "../grpc/router.ts";
import { StatusError } from "../grpc/status.ts";
import type { HostCallOptions } from "./call.ts";
import type { HostClient } from "./client.ts";
import type { HostService } from "./host-service.ts";

export interface UnaryHostCallOptions extends HostCallOptions {
  readonly signal?: AbortSignal;
}

/** Rejects with a {@link StatusError} for any status but OK; CANCELLED when the signal aborts. */
export function unaryHostCall<I extends DescMessage, O extends DescMessage>(
  client: HostClient,
  service: HostService,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  { signal, ...options }: UnaryHostCallOptions = {},
): Promise<MessageShape<O>> {
  return new Promise((resolve, reject) => {
    let reply: Pieces | undefined;
    const sink = {
      message(payload: Pieces) {
        if (reply !== undefined) throw cardinality(method.name, "more than one");
        reply = payload;
      },
      ended(status: StatusError["status"], trailers: StatusError["metadata"]) {
        signal?.removeEventListener("abort", cancel);
        if (status.code !== GrpcCode.ok) reject(new StatusError(status, trailers));
        else if (reply === undefined) reject(cardinality(method.name, "no"));
        else decode(method.output, reply).then(resolve, reject);
      },
    };
    const call = client.call(service, pathOf(method), sink, options);
    const cancel = () => call.cancel();
    if (signal?.aborted === true) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    call.send([Buffer.from(toBinary(method.input, create(method.input, request)))]);
    call.halfClose();
  });
}

async function decode<O extends DescMessage>(schema: O, payload: Pieces): Promise<MessageShape<O>> {
  try {
    return fromBinary(schema, join(payload));
  } catch {
    throw new StatusError({ code: GrpcCode.internal, message: `gestaltd's answer is not a valid ${schema.typeName}` });
  }
}

/** gRPC "Status codes": a client that gets another number of answers than one says INTERNAL, as grpc-go does. */
function cardinality(method: string, count: string): StatusError {
  return new StatusError({ code: GrpcCode.internal, message: `gestaltd answered ${method} with ${count} message` });
}
