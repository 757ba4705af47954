// S3.ReadObject: the worker answers with the object's bytes as they are, and the messages around them are made here. That
// way they never pass through the worker's code, where each chunk costs CPU that the platform bills.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ReadObjectChunkSchema, S3 } from "../../gen/gestalt/provider/v1/s3_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { OBJECT_META_HEADER, OBJECT_READ_PATH } from "../../wire/routes.ts";
import { BridgeError } from "../errors.ts";
import type { ServerCall } from "../grpc/call.ts";
import { framePrefix, type Pieces, payloadOf } from "../grpc/frames.ts";
import type { CallHandler } from "../grpc/router.ts";
import { OK } from "../grpc/status.ts";
import type { UpstreamSource } from "../upstream.ts";
import { AnswerSink } from "./answer.ts";
import { headerValue, splitMetadata } from "./outcome.ts";
import { isRepeatable } from "./repeatable.ts";
import { UNARY_HEADERS } from "./request-headers.ts";
import { reply } from "./unary.ts";
import { type ResponseHeaders, type ResponseSink, WorkerRequest } from "./worker-request.ts";

export function readObjectHandler(source: UpstreamSource): CallHandler {
  return (call) => {
    let request: WorkerRequest | undefined;
    const send = (frame: Pieces) => {
      const relay = new ObjectRelay(call);
      const headers = [...UNARY_HEADERS, ...call.metadata];
      const body = payloadOf(frame);
      const repeatable = isRepeatable(S3.method.readObject);
      request = new WorkerRequest(
        { source, path: OBJECT_READ_PATH, headers, body, repeatable, deadline: call.deadline },
        relay,
      );
      relay.request = request;
      request.send();
    };
    call.receiveOne(send, () => request?.abort());
  };
}

/** Makes a message of each chunk of the answer, no faster than the caller takes them. */
class ObjectRelay implements ResponseSink {
  /** Set before anything arrives. */
  request: WorkerRequest | undefined;
  readonly #call: ServerCall;
  /** Takes the answer in this one's place when its status is not 200. */
  #error: AnswerSink | undefined;

  constructor(call: ServerCall) {
    this.#call = call;
  }

  start(status: number, headers: ResponseHeaders): void {
    if (status !== 200) {
      this.#error = new AnswerSink("unary", (outcome) => reply(this.#call, outcome));
      this.#error.start(status, headers);
      return;
    }
    const meta = headerValue(headers, OBJECT_META_HEADER);
    if (meta === undefined) {
      throw new BridgeError(GrpcCode.internal, "the worker's answer does not describe the object it holds");
    }
    this.#call.sendHeaders(splitMetadata(headers).headers);
    this.#send(META_FIELD, Buffer.from(meta, "base64"));
  }

  data(chunk: Buffer): void {
    if (this.#error !== undefined) this.#error.data(chunk);
    else this.#send(DATA_FIELD, chunk);
  }

  end(): void {
    if (this.#error !== undefined) this.#error.end();
    else this.#call.finish(OK);
  }

  failed(error: BridgeError): void {
    this.#call.fail(error);
  }

  #send(field: number, bytes: Buffer): void {
    if (!this.#call.sendFrame(chunkFrame(field, bytes))) {
      this.request?.pause();
      this.#call.onDrain(() => this.request?.resume());
    }
  }
}

const META_FIELD = ReadObjectChunkSchema.field.meta.number;
const DATA_FIELD = ReadObjectChunkSchema.field.data.number;

/** The frame of a `ReadObjectChunk` with one length-delimited field. The bytes are not copied. */
function chunkFrame(field: number, bytes: Buffer): Pieces {
  const header = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(bytes.length).finish();
  return [Buffer.concat([framePrefix(header.length + bytes.length), header]), bytes];
}
