// Writes in parts: the upload service and the route its parts go to.
import { Code, ConnectError } from "@connectrpc/connect";
import { UploadService } from "../../gen/gestalt/edge/v1/upload_pb.ts";
import { MAX_EDGE_BODY_BYTES, MAX_UPLOAD_PARTS } from "../../wire/limits.ts";
import {
  UPLOAD_HEADER,
  UPLOAD_PART_ETAG_HEADER,
  UPLOAD_PART_NUMBER_HEADER,
  UPLOAD_PART_PATH,
} from "../../wire/routes.ts";
import type { Call } from "../call.ts";
import type { Provider } from "../provider.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { type Surface, surface } from "../surface.ts";
import type { S3UploadHandlers } from "./define.ts";
import { toSurfaceError, translated } from "./errors.ts";
import { metaToProtocol, openFromProtocol } from "./messages.ts";
import type { S3UploadedPart } from "./objects.ts";
import { openUpload, sealUpload } from "./upload-handle.ts";

/** Without handlers each method says that large writes are not to be had here. */
export function uploadSurface<Config>(handlers: S3UploadHandlers<Config> | undefined): Surface {
  if (handlers === undefined) {
    return surface(UploadService, { begin: noUploads, complete: noUploads, abort: noUploads });
  }
  return surface(UploadService, {
    begin: ({ msg }, call) =>
      translated(async () => {
        if (msg.case !== "open") throw invalid("An upload begins with the open message of the write.");
        const upload = await handlers.begin(openFromProtocol(msg.value), providerRequest<Config>(call));
        return { upload: await sealUpload(upload, call) };
      }),

    complete: ({ upload, parts }, call) =>
      translated(async () => {
        const input = { upload: await openUpload(upload, call), parts: inOrder(parts) };
        return { meta: metaToProtocol(await handlers.complete(input, providerRequest<Config>(call))) };
      }),

    abort: ({ upload }, call) =>
      translated(async () => {
        await handlers.abort({ upload: await openUpload(upload, call) }, providerRequest<Config>(call));
        return {};
      }),
  });
}

/** The route of raw parts, for `Provider.routes`. */
export function uploadRoutes<Config>(handlers: S3UploadHandlers<Config>): NonNullable<Provider["routes"]> {
  return { [UPLOAD_PART_PATH]: (request, call) => takePart(handlers, request, call) };
}

async function takePart<Config>(handlers: S3UploadHandlers<Config>, request: Request, call: Call): Promise<Response> {
  try {
    const number = partNumber(request.headers.get(UPLOAD_PART_NUMBER_HEADER));
    const size = partSize(request.headers.get("content-length"));
    const upload = await openUpload(request.headers.get(UPLOAD_HEADER) ?? "", call);
    if (request.body === null) throw invalid("The part is empty.");
    const { etag } = await handlers.part({ upload, number, size, body: request.body }, providerRequest<Config>(call));
    return new Response(null, { status: 200, headers: { [UPLOAD_PART_ETAG_HEADER]: etag } });
  } catch (error) {
    throw toSurfaceError(error);
  }
}

function partNumber(header: string | null): number {
  const number = Number(header);
  if (header !== null && /^\d{1,5}$/.test(header) && number >= 1 && number <= MAX_UPLOAD_PARTS) return number;
  throw invalid(`The header ${UPLOAD_PART_NUMBER_HEADER} must be a number from 1 to ${MAX_UPLOAD_PARTS}.`);
}

function partSize(header: string | null): number {
  if (header === null || !/^\d+$/.test(header)) throw invalid("A part must announce its size in content-length.");
  const size = Number(header);
  if (size === 0) throw invalid("The part is empty.");
  if (size <= MAX_EDGE_BODY_BYTES) return size;
  throw new ConnectError(`The part has ${size} bytes; the limit is ${MAX_EDGE_BODY_BYTES}.`, Code.ResourceExhausted);
}

/** Throws INVALID_ARGUMENT unless the parts are numbered 1, 2, 3 and so on, each with its etag. */
function inOrder(parts: readonly S3UploadedPart[]): S3UploadedPart[] {
  if (parts.length === 0) throw invalid("The upload has no parts.");
  if (parts.length > MAX_UPLOAD_PARTS) throw invalid(`An upload has at most ${MAX_UPLOAD_PARTS} parts.`);
  return parts.map(({ number, etag }, index) => {
    if (number !== index + 1) throw invalid(`Part ${index + 1} is missing, repeated or out of order: found ${number}.`);
    if (etag === "") throw invalid(`Part ${number} has no etag.`);
    return { number, etag };
  });
}

function noUploads(): never {
  throw new ConnectError("This object store takes no objects over 8 MiB.", Code.Unimplemented);
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
