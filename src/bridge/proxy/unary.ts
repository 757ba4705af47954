// A unary gRPC call → one Connect POST. The message crosses as bytes: five are taken off, and five put before the answer.
import type { DescMethod } from "@bufbuild/protobuf";
import type { ServerCall } from "../grpc/call.ts";
import { type Pieces, PREFIX_BYTES, payloadOf } from "../grpc/frames.ts";
import { type CallHandler, pathOf } from "../grpc/router.ts";
import type { UpstreamSource } from "../upstream.ts";
import { AnswerSink } from "./answer.ts";
import type { Outcome, Success } from "./outcome.ts";
import { isRepeatable } from "./repeatable.ts";
import { UNARY_HEADERS } from "./request-headers.ts";
import { WorkerRequest } from "./worker-request.ts";

export function unaryHandler(source: UpstreamSource, method: DescMethod): CallHandler {
  const path = pathOf(method);
  const repeatable = isRepeatable(method);
  return (call) => {
    let request: WorkerRequest | undefined;
    const send = (frame: Pieces) => {
      const headers = [...UNARY_HEADERS, ...call.metadata];
      const init = { source, path, headers, body: payloadOf(frame), repeatable, deadline: call.deadline };
      request = new WorkerRequest(init, new AnswerSink("unary", (outcome) => reply(call, outcome)));
      request.send();
    };
    call.receiveOne(send, () => request?.abort());
  };
}

/** Answers a call with what the worker said. */
export function reply(call: ServerCall, outcome: Outcome): void {
  if (outcome.kind === "success") {
    call.finishWith([framed(outcome)], outcome.headers, outcome.trailers);
    return;
  }
  // Without leading metadata an error is headers only.
  if (outcome.headers.length > 0) call.sendHeaders(outcome.headers);
  call.finish(outcome.status, outcome.trailers);
}

/** One buffer, one write: copying at most 4 MiB costs less than a second trip through the HTTP/2 stack. */
function framed({ payload }: Success): Buffer {
  let length = 0;
  for (const piece of payload) length += piece.length;
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + length);
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
  let offset = PREFIX_BYTES;
  for (const piece of payload) offset += piece.copy(frame, offset);
  return frame;
}
