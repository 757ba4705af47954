// A Connect transport over the session's channel: what host clients of a provider in the worker call with.
import type { DescMessage, DescMethod, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { CallStatus, Streaming } from "../../wire/channel/frames.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BRIDGE_SERVICE_NAME } from "../../wire/host-services.ts";
import type { Call } from "../call.ts";
import { assertWithin, type CallLimits, callLimits } from "./call-limits.ts";
import type { HostSession } from "./host-session.ts";
import { decodeMessage, encodeMessage } from "./messages.ts";
import { appendMetadata, callMetadata } from "./metadata.ts";
import type { HostCallInit, HostMessages } from "./rpc.ts";
import { statusError } from "./status-error.ts";
import { StreamCall } from "./stream-call.ts";
import { unaryCall } from "./unary-call.ts";

/**
 * Calls of the offered service `name` for `call`, over its hold on the session's object. Each inherits the call's deadline and
 * trace; whether the service was offered is for the bridge to say. A timeout of 0 or less is a deadline that has passed. The
 * host's headers come with its trailers.
 *
 * Leaving the iteration of a stream's `message` ends the host call. A client of Connect's `createClient` hides that from its
 * caller, who has to abort the signal instead; else the host call goes on until its deadline or the end of the request.
 */
export function channelTransport(call: Call, session: HostSession, name: string): Transport {
  return {
    async unary(method, signal, timeoutMs, header, input) {
      const limits = callLimits(inherited(call, name), signal, timeoutMs);
      assertWithin(limits);
      const message = encodeMessage(method.input, input);
      const answer = await unaryCall(session, initOf(call, name, method, header, limits), limits, message);
      const { bytes, status } = only(answer);
      return {
        stream: false,
        service: method.parent,
        method,
        message: decodeMessage(method.output, bytes),
        // Headers are dear in workerd, and most callers look at neither.
        get header() {
          return new Headers();
        },
        get trailer() {
          return appendMetadata(new Headers(), status.metadata);
        },
      };
    },

    async stream(method, signal, timeoutMs, header, input) {
      const limits = callLimits(inherited(call, name), signal, timeoutMs);
      assertWithin(limits);
      const init = initOf(call, name, method, header, limits);
      const outgoing = encoded(method.input, input);
      const trailer = new Headers();
      const ended = ({ metadata }: CallStatus) => void appendMetadata(trailer, metadata);
      const stream = await begin(session, init, limits, outgoing);
      const message = stream.replies((bytes) => decodeMessage(method.output, bytes), ended);
      return { stream: true, service: method.parent, method, header: new Headers(), message, trailer };
    },
  };
}

/** What a call has to tell the bridge itself, such as what it printed, it may tell when it is over. */
function inherited(call: Call, name: string): Pick<Call, "deadline"> {
  return name === BRIDGE_SERVICE_NAME ? { deadline: undefined } : call;
}

const STREAMING: Readonly<Record<DescMethod["methodKind"], Streaming>> = {
  unary: "unary",
  client_streaming: "client",
  server_streaming: "server",
  bidi_streaming: "bidi",
};

function initOf(
  call: Call,
  service: string,
  method: DescMethod,
  header: HeadersInit | undefined,
  { deadline }: CallLimits,
): HostCallInit {
  return {
    service,
    path: `/${method.parent.typeName}/${method.name}`,
    streaming: STREAMING[method.methodKind],
    metadata: callMetadata(header, call.headers),
    timeoutMs: deadline === undefined ? undefined : deadline - Date.now(),
  };
}

/** The one message of an OK answer. Throws the host's error, and UNIMPLEMENTED as gRPC has it when there is not exactly one. */
function only({ messages, status }: HostMessages): { readonly bytes: Uint8Array; readonly status: CallStatus } {
  if (status !== undefined && status.code !== GrpcCode.ok) throw statusError(status);
  const [bytes] = messages;
  if (bytes !== undefined && status !== undefined && messages.length === 1) return { bytes, status };
  throw new ConnectError(`The host answered with ${messages.length} messages instead of one.`, Code.Unimplemented);
}

/** With one message to send, the call begins and ends its sending with it. */
async function begin(
  session: HostSession,
  init: HostCallInit,
  limits: CallLimits,
  outgoing: AsyncIterator<Uint8Array>,
): Promise<StreamCall> {
  if (init.streaming === "server") {
    const { done, value } = await outgoing.next();
    return new StreamCall(session, init, limits, done === true ? [] : [value], true);
  }
  const stream = new StreamCall(session, init, limits, [], false);
  void stream.send(outgoing);
  return stream;
}

/** Not a generator: one that waits for the next message cannot be left. */
function encoded<Schema extends DescMessage>(
  schema: Schema,
  messages: AsyncIterable<MessageInitShape<Schema>>,
): AsyncIterator<Uint8Array> {
  const iterator = messages[Symbol.asyncIterator]();
  return {
    async next() {
      const next = await iterator.next();
      return next.done === true ? next : { done: false, value: encodeMessage(schema, next.value) };
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}
