// A host call with one message each way, for callers in the bridge that know its types.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { GrpcCode } from "../../wire/codes.ts";
import { decode } from "../grpc/decode.ts";
import { join, type Pieces } from "../grpc/frames.ts";
import { pathOf } from "../grpc/router.ts";
import { StatusError } from "../grpc/status.ts";
import type { HostCallOptions } from "./call.ts";
import type { HostClient } from "./client.ts";
import type { HostService } from "./host-service.ts";

export interface UnaryHostCallOptions extends HostCallOptions {
  readonly signal?: AbortSignal;
}

/**
 * Rejects with a {@link StatusError} for any status but OK, CANCELLED when the signal aborts; with a BridgeError of INTERNAL for
 * an answer that is no such message.
 */
export async function unaryHostCall<I extends DescMessage, O extends DescMessage>(
  client: HostClient,
  service: HostService,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  { signal, ...options }: UnaryHostCallOptions = {},
): Promise<MessageShape<O>> {
  const answer = await new Promise<Pieces>((resolve, reject) => {
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
        else resolve(reply);
      },
    };
    const call = client.call(service, pathOf(method), sink, options);
    const cancel = () => call.cancel();
    if (signal?.aborted === true) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    call.send([Buffer.from(toBinary(method.input, create(method.input, request)))]);
    call.halfClose();
  });
  return decode(method.output, join(answer), "gestaltd's answer");
}

/** gRPC "Status codes": a client that gets another number of answers than one says INTERNAL, as grpc-go does. */
function cardinality(method: string, count: string): StatusError {
  return new StatusError({ code: GrpcCode.internal, message: `gestaltd answered ${method} with ${count} message` });
}
