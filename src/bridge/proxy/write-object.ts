// S3.WriteObject: a client stream, which cannot cross the edge as one request body (DESIGN §6). Up to one part it is
// gathered and sent as one POST; more than that goes up in parts.
import { S3 } from "../../gen/gestalt/provider/v1/s3_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { MAX_UPLOAD_PARTS, UPLOAD_PART_BYTES } from "../../wire/limits.ts";
import { BridgeError } from "../errors.ts";
import type { ServerCall } from "../grpc/call.ts";
import { framePrefix, type Pieces, payloadOf, payloadPieces } from "../grpc/frames.ts";
import { readMessages } from "../grpc/messages.ts";
import { type CallHandler, pathOf } from "../grpc/router.ts";
import type { UpstreamSource } from "../upstream.ts";
import { exchange } from "./answer.ts";
import { type Outcome, payloadOrThrow } from "./outcome.ts";
import { PartBuffer } from "./part-buffer.ts";
import { STREAM_HEADERS } from "./request-headers.ts";
import { reply } from "./unary.ts";
import { Upload, type WriteContext, type WriteLimits } from "./upload.ts";
import { dataHeader, readWriteMessage } from "./write-object-message.ts";

const LIMITS: WriteLimits = { partBytes: UPLOAD_PART_BYTES, maxParts: MAX_UPLOAD_PARTS };

/** Data of one message in the single POST, in bytes: well under the message limit of the Connect server. */
const POST_CHUNK_BYTES = 1024 * 1024;

/** @param limits Other than the platform's for tests only. */
export function writeObjectHandler(source: UpstreamSource, limits: WriteLimits = LIMITS): CallHandler {
  return (call) => {
    const gone = new AbortController();
    const messages = readMessages(call, (reason) => gone.abort(reason));
    const context = { source, metadata: call.metadata, deadline: call.deadline, signal: gone.signal, limits };
    serve(call, context, messages).catch((error: unknown) => call.fail(error));
  };
}

async function serve(call: ServerCall, context: WriteContext, messages: AsyncIterable<Pieces>): Promise<void> {
  try {
    reply(call, await write(context, messages));
  } catch (error) {
    // A caller that still sends would meet a closed stream and report that instead of the error (gestaltd.md §4.2).
    await drain(messages);
    throw error;
  }
}

async function write(context: WriteContext, messages: AsyncIterable<Pieces>): Promise<Outcome> {
  const part = new PartBuffer(context.limits.partBytes);
  let open: Pieces | undefined;
  let upload: Upload | undefined;
  try {
    for await (const message of messages) {
      const read = readWriteMessage(payloadPieces(message));
      if ((read.kind === "open") !== (open === undefined)) throw outOfOrder(read.kind);
      open ??= message;
      for (let data of read.kind === "data" ? read.data : []) {
        while (data.length > 0) {
          if (part.full) {
            upload ??= await Upload.begin(context, payloadOf(open), (sent) => part.recycle(sent));
            await upload.add(part.take());
          }
          data = data.subarray(part.append(data));
        }
      }
      upload?.throwIfFailed();
    }
    if (open === undefined) throw new BridgeError(GrpcCode.invalidArgument, "WriteObject without an open message");
    if (upload === undefined) return await postOnce(context, open, part.data);
    await upload.add(part.take());
    return successOrThrow(await upload.complete());
  } catch (error) {
    await upload?.abort();
    throw error;
  }
}

function outOfOrder(kind: "open" | "data"): BridgeError {
  const what = kind === "open" ? "a second open message" : "data before the open message";
  return new BridgeError(GrpcCode.invalidArgument, `WriteObject got ${what}`);
}

/** The stream again, as one body of known length. Not to be repeated: a condition may not hold a second time. */
function postOnce(context: WriteContext, open: Pieces, data: Buffer): Promise<Outcome> {
  const { source, metadata, deadline, signal } = context;
  const pieces: Uint8Array[] = [...open];
  for (let start = 0; start < data.length; start += POST_CHUNK_BYTES) {
    const chunk = data.subarray(start, start + POST_CHUNK_BYTES);
    const header = dataHeader(chunk.length);
    pieces.push(framePrefix(header.length + chunk.length), header, chunk);
  }
  const headers = [...STREAM_HEADERS, ...metadata];
  const path = pathOf(S3.method.writeObject);
  return exchange(
    { source, path, headers, body: Buffer.concat(pieces), repeatable: false, deadline },
    "stream",
    signal,
  );
}

/** A refusal to complete leaves the upload open, so it has to be treated as an error. */
function successOrThrow(outcome: Outcome): Outcome {
  payloadOrThrow(outcome);
  return outcome;
}

async function drain(messages: AsyncIterable<Pieces>): Promise<void> {
  try {
    for await (const _ of messages);
  } catch {
    // The caller has gone; the call is over already.
  }
}
