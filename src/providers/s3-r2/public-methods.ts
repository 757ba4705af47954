// GET, HEAD, PUT and DELETE of an object whose URL has been checked.

import { MAX_EDGE_BODY_BYTES } from "../../wire/limits.ts";
import type { S3ContentHeaders } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { conditionStatus, httpConditions, rangeApplies } from "./http-conditions.ts";
import { contentRange, type HttpRange, parseHttpRange, resolveHttpRange } from "./http-range.ts";
import { notFound } from "./meta.ts";
import type { ObjectAccess } from "./object-access.ts";
import { refusal } from "./public-answers.ts";
import { put } from "./write.ts";

export async function getObject(bucket: Bucket, access: ObjectAccess, { headers }: Request): Promise<Response> {
  const range = await wantedRange(bucket, access, headers);
  const object = await get(bucket, access, range);
  const body = "body" in object ? object.body : null;
  const status = conditionStatus(object, httpConditions(headers));
  const resolved = range && resolveHttpRange(range, object.size);
  if (status !== undefined || (range !== undefined && resolved === undefined)) {
    await body?.cancel();
    return status === undefined ? unsatisfied(object) : unfulfilled(object, access, status);
  }
  const answer = objectHeaders(object, access);
  if (resolved !== undefined) answer.set("content-range", contentRange(resolved, object.size));
  // `manual`: what is stored encoded goes out as it is, and is not encoded a second time.
  return new Response(body, { status: resolved === undefined ? 200 : 206, headers: answer, encodeBody: "manual" });
}

export async function headObject(bucket: Bucket, access: ObjectAccess, { headers }: Request): Promise<Response> {
  const object = await bucket.run((r2) => r2.head(access.key));
  if (object === null) throw notFound(access);
  const status = conditionStatus(object, httpConditions(headers));
  if (status !== undefined) return unfulfilled(object, access, status);
  const answer = objectHeaders(object, access);
  answer.set("content-length", String(object.size));
  return new Response(null, { headers: answer, encodeBody: "manual" });
}

/** Overwrites unless `If-Match` or `If-None-Match` says otherwise. The content headers are the request's. */
export async function putObject(bucket: Bucket, access: ObjectAccess, request: Request): Promise<Response> {
  const length = request.headers.get("content-length");
  if (length === null || !/^\d+$/.test(length)) return refusal(411, "The upload must announce its content-length.");
  if (Number(length) > MAX_EDGE_BODY_BYTES) {
    return refusal(413, `The upload has ${length} bytes; one request takes at most ${MAX_EDGE_BODY_BYTES}.`);
  }
  const open = {
    ref: access,
    metadata: {},
    ...contentHeaders(request.headers),
    ifMatch: request.headers.get("if-match") ?? undefined,
    ifNoneMatch: request.headers.get("if-none-match") ?? undefined,
  };
  const object = await put(bucket, open, request.body ?? new Uint8Array(), request.body === null ? "bytes" : "stream");
  return new Response(null, { status: 200, headers: { etag: object.httpEtag } });
}

export async function deleteObject(bucket: Bucket, access: ObjectAccess): Promise<Response> {
  await bucket.run((r2) => r2.delete(access.key));
  return new Response(null, { status: 204 });
}

/** The range to ask R2 for. `If-Range` needs to know the object first. */
async function wantedRange(bucket: Bucket, { key }: ObjectAccess, headers: Headers): Promise<HttpRange | undefined> {
  const range = parseHttpRange(headers.get("range"));
  const ifRange = headers.get("if-range");
  if (range === undefined || ifRange === null) return range;
  const object = await bucket.run((r2) => r2.head(key));
  return object !== null && rangeApplies(ifRange, object) ? range : undefined;
}

/**
 * The object with the bytes asked for, or without, when it has none of them: R2 refuses such a range, and Miniflare fails
 * on one that starts right at the end.
 */
async function get(
  bucket: Bucket,
  access: ObjectAccess,
  range: HttpRange | undefined,
): Promise<R2ObjectBody | R2Object> {
  let object: R2ObjectBody | R2Object | null;
  try {
    object = await bucket.run((r2) => r2.get(access.key, range && { range }));
  } catch (error) {
    if (range === undefined) throw error;
    object = await bucket.run((r2) => r2.head(access.key));
    if (object !== null && resolveHttpRange(range, object.size) !== undefined) throw error;
  }
  if (object === null) throw notFound(access);
  return object;
}

function unsatisfied({ size }: R2Object): Response {
  return refusal(416, `The object has ${size} bytes; the range lies outside.`, {
    "content-range": contentRange(undefined, size),
  });
}

function unfulfilled(object: R2Object, access: ObjectAccess, status: 304 | 412): Response {
  if (status === 412) return refusal(412, "A condition on the object does not hold.");
  return new Response(null, { status, headers: objectHeaders(object, access) });
}

function objectHeaders(object: R2Object, { contentDisposition }: ObjectAccess): Headers {
  const headers = new Headers({
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    etag: object.httpEtag,
    "last-modified": object.uploaded.toUTCString(),
  });
  const { httpMetadata } = object;
  setHeader(headers, "content-type", httpMetadata?.contentType);
  setHeader(headers, "cache-control", httpMetadata?.cacheControl);
  setHeader(headers, "content-disposition", contentDisposition ?? httpMetadata?.contentDisposition);
  setHeader(headers, "content-encoding", httpMetadata?.contentEncoding);
  setHeader(headers, "content-language", httpMetadata?.contentLanguage);
  return headers;
}

/** What was written through the protocol may hold characters no header can; such a one is left out. */
function setHeader(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined || value === "") return;
  try {
    headers.set(name, value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

function contentHeaders(headers: Headers): S3ContentHeaders {
  return {
    contentType: headers.get("content-type") ?? undefined,
    cacheControl: headers.get("cache-control") ?? undefined,
    contentDisposition: headers.get("content-disposition") ?? undefined,
    contentEncoding: headers.get("content-encoding") ?? undefined,
    contentLanguage: headers.get("content-language") ?? undefined,
  };
}
