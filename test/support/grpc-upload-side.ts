// The worker's side of S3.WriteObject, in memory: what it was told, what it holds, and a place to go wrong.

import type { ServerResponse } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FLAG_END_STREAM, FrameParser, flagsOf, frame, payloadOf } from "../../src/bridge/grpc/frames.ts";
import {
  AbortUploadRequestSchema,
  BeginUploadResponseSchema,
  CompleteUploadRequestSchema,
} from "../../src/gen/gestalt/edge/v1/upload_pb.ts";
import { WriteObjectRequestSchema, WriteObjectResponseSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import {
  UPLOAD_HEADER,
  UPLOAD_PART_ETAG_HEADER,
  UPLOAD_PART_NUMBER_HEADER,
  UPLOAD_PART_PATH,
} from "../../src/wire/routes.ts";
import { type FarSide, farSide, type Seen } from "./grpc-far-side.ts";

export const BEGIN = "/gestalt.edge.v1.UploadService/Begin";
export const COMPLETE = "/gestalt.edge.v1.UploadService/Complete";
export const ABORT = "/gestalt.edge.v1.UploadService/Abort";
export const WRITE = "/gestalt.provider.v1.S3/WriteObject";

export interface UploadSide extends FarSide {
  /** Keys and bodies of the objects that exist. */
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Uploads that were begun and neither completed nor aborted. */
  readonly open: ReadonlySet<string>;
  /** Most parts that were on their way at once. */
  readonly mostInFlight: number;
}

/** True when it has answered, or means never to. */
export type Fault = (seen: Seen, response: ServerResponse) => boolean | Promise<boolean>;

export async function uploadSide(fault: Fault = () => false): Promise<UploadSide> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, { key: string; parts: Map<number, Buffer> }>();
  const counts = { inFlight: 0, mostInFlight: 0 };

  function answer({ path, headers, body }: Seen, response: ServerResponse): void {
    if (path === BEGIN) {
      const upload = `upload-${uploads.size + 1}`;
      uploads.set(upload, { key: keyOf(body), parts: new Map() });
      reply(response, toBinary(BeginUploadResponseSchema, create(BeginUploadResponseSchema, { upload })));
    } else if (path === UPLOAD_PART_PATH) {
      const number = Number(headers[UPLOAD_PART_NUMBER_HEADER]);
      uploads.get(String(headers[UPLOAD_HEADER]))?.parts.set(number, body);
      response.writeHead(200, { [UPLOAD_PART_ETAG_HEADER]: `etag-${number}` }).end();
    } else if (path === COMPLETE) {
      const { upload, parts } = fromBinary(CompleteUploadRequestSchema, body);
      const stored = uploads.get(upload);
      uploads.delete(upload);
      const bodies = parts.map(({ number, etag }) =>
        etag === `etag-${number}` ? stored?.parts.get(number) : undefined,
      );
      finish(response, stored?.key ?? "", Buffer.concat(bodies.filter((one) => one !== undefined)), "unary");
    } else if (path === ABORT) {
      uploads.delete(fromBinary(AbortUploadRequestSchema, body).upload);
      reply(response, new Uint8Array());
    } else if (path === WRITE) {
      const messages = envelopes(body).map((one) => fromBinary(WriteObjectRequestSchema, one).msg);
      const open = messages[0]?.case === "open" ? messages[0].value : undefined;
      const data = messages.flatMap((msg) => (msg.case === "data" ? [msg.value] : []));
      finish(response, open?.ref?.key ?? "", Buffer.concat(data), "stream");
    } else response.writeHead(404).end();
  }

  function finish(response: ServerResponse, key: string, body: Buffer, form: "unary" | "stream"): void {
    objects.set(key, body);
    const meta = { ref: { bucket: "b", key }, size: BigInt(body.length), etag: "whole" };
    const bytes = toBinary(WriteObjectResponseSchema, create(WriteObjectResponseSchema, { meta }));
    if (form === "unary") reply(response, bytes);
    else {
      const envelopes = [frame(bytes), frame(Buffer.from("{}"), FLAG_END_STREAM)];
      response.writeHead(200, { "content-type": "application/connect+proto" }).end(Buffer.concat(envelopes));
    }
  }

  const far = await farSide(async (seen, response) => {
    counts.inFlight += 1;
    counts.mostInFlight = Math.max(counts.mostInFlight, counts.inFlight);
    response.once("close", () => {
      counts.inFlight -= 1;
    });
    if (!(await fault(seen, response))) answer(seen, response);
  });
  return Object.assign(Object.create(far) as FarSide, {
    objects,
    get open() {
      return new Set(uploads.keys());
    },
    get mostInFlight() {
      return counts.mostInFlight;
    },
  });
}

/** An error in Connect's form. */
export function refuse(response: ServerResponse, status: number, code: string, message: string): true {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ code, message }));
  return true;
}

/** Payloads of a body of envelopes. */
export function envelopes(body: Buffer): Buffer[] {
  const payloads: Buffer[] = [];
  const parser = new FrameParser((one) => {
    if ((flagsOf(one) & FLAG_END_STREAM) === 0) payloads.push(payloadOf(one));
  });
  parser.push(body);
  return payloads;
}

function keyOf(open: Buffer): string {
  const { msg } = fromBinary(WriteObjectRequestSchema, open);
  return msg.case === "open" ? (msg.value.ref?.key ?? "") : "";
}

function reply(response: ServerResponse, bytes: Uint8Array): void {
  response.writeHead(200, { "content-type": "application/proto" }).end(bytes);
}
