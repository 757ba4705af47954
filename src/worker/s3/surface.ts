// The S3 service in terms of an object store's handlers.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type ReadObjectChunkSchema,
  type ReadObjectRequest,
  S3,
  type WriteObjectRequest,
} from "../../gen/gestalt/provider/v1/s3_pb.ts";
import type { Call, ProviderRequest } from "../call.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { type Surface, surface } from "../surface.ts";
import { streamOf } from "./body-stream.ts";
import type { S3Handlers } from "./define.ts";
import { toSurfaceError, translated } from "./errors.ts";
import {
  copyFromProtocol,
  listFromProtocol,
  listToProtocol,
  metaToProtocol,
  openFromProtocol,
  presignFromProtocol,
  readFromProtocol,
  refFromProtocol,
} from "./messages.ts";
import type { S3CopyInput, S3Meta } from "./objects.ts";
import { dataFrames } from "./read-stream.ts";
import { WriteStream } from "./write-stream.ts";

export function s3Surface<Config>(handlers: S3Handlers<Config>): Surface {
  const request = (call: Call): ProviderRequest<Config> => providerRequest<Config>(call);
  return surface(S3, {
    headObject: ({ ref }, call) =>
      translated(async () => {
        const meta = await handlers.headObject({ ref: refFromProtocol(ref) }, request(call));
        return { meta: metaToProtocol(meta) };
      }),

    readObject: (message, call) => read(handlers, message, request(call)),

    writeObject: (messages, call) => write(handlers, messages, request(call)),

    deleteObject: ({ ref }, call) =>
      translated(async () => {
        await handlers.deleteObject({ ref: refFromProtocol(ref) }, request(call));
        return {};
      }),

    listObjects: (message, call) =>
      translated(async () => listToProtocol(await handlers.listObjects(listFromProtocol(message), request(call)))),

    copyObject: (message, call) =>
      translated(async () => {
        const input = copyFromProtocol(message);
        const meta = await (handlers.copyObject?.(input, request(call)) ??
          copyByRewriting(handlers, input, request(call)));
        return { meta: metaToProtocol(meta) };
      }),

    presignObject: (message, call) =>
      translated(async () => {
        if (handlers.presignObject === undefined) {
          throw new ConnectError("This object store makes no presigned URLs.", Code.Unimplemented);
        }
        const wanted = { ...presignFromProtocol(message), origin: call.origin, provider: call.session.provider };
        const { url, expiresAt, headers } = await handlers.presignObject(wanted, request(call));
        return { url, method: message.method, expiresAt: timestampFromDate(expiresAt), headers: { ...headers } };
      }),
  });
}

async function* read<Config>(
  handlers: S3Handlers<Config>,
  message: ReadObjectRequest,
  request: ProviderRequest<Config>,
): AsyncGenerator<MessageInitShape<typeof ReadObjectChunkSchema>> {
  try {
    const { meta, body } = await handlers.readObject(readFromProtocol(message), request);
    yield { result: { case: "meta", value: metaToProtocol(meta) } };
    if (body === null) return;
    for await (const value of dataFrames(body, meta.size)) yield { result: { case: "data", value } };
  } catch (error) {
    throw toSurfaceError(error);
  }
}

async function write<Config>(
  handlers: S3Handlers<Config>,
  messages: AsyncIterable<WriteObjectRequest>,
  request: ProviderRequest<Config>,
): Promise<{ meta: ReturnType<typeof metaToProtocol> }> {
  const stream = new WriteStream(messages);
  try {
    const open = openFromProtocol(await stream.open());
    const meta = await handlers.writeObject({ ...open, body: stream.body() }, request);
    return { meta: metaToProtocol(meta) };
  } catch (error) {
    throw toSurfaceError(error);
  } finally {
    await stream.drain();
  }
}

async function copyByRewriting<Config>(
  handlers: S3Handlers<Config>,
  { source, destination, ifMatch, ifNoneMatch }: S3CopyInput,
  request: ProviderRequest<Config>,
): Promise<S3Meta> {
  const { meta, body } = await handlers.readObject({ ref: source, ifMatch, ifNoneMatch }, request);
  return handlers.writeObject(
    {
      ref: destination,
      contentType: meta.contentType,
      metadata: meta.metadata ?? {},
      body: streamOf(body),
      size: meta.size,
    },
    request,
  );
}
