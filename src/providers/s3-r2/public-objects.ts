// Serves presigned URLs: checks the signature and what it grants, then answers as a plain HTTP object server.
import { type BackoffSources, createLog, type PublicContext, signingSecret } from "../../worker/index.ts";
import { Bucket, r2Binding } from "./buckets.ts";
import { type ObjectAccess, verifyAccess } from "./object-access.ts";
import { parsePath } from "./object-url.ts";
import { ACCESS_PARAMETER } from "./presign.ts";
import { failure, preflight, refusal, withPublicHeaders } from "./public-answers.ts";
import { deleteObject, getObject, headObject, putObject } from "./public-methods.ts";

/** Answers one request to `/objects/<provider>/…`. Never throws. */
export async function publicObjects(
  request: Request,
  context: PublicContext,
  sources: BackoffSources | undefined,
): Promise<Response> {
  try {
    return withPublicHeaders(await answer(request, context, sources));
  } catch (error) {
    return withPublicHeaders(failure(error, createLog({ provider: context.provider })));
  }
}

async function answer(
  request: Request,
  context: PublicContext,
  sources: BackoffSources | undefined,
): Promise<Response> {
  const url = new URL(request.url);
  const access = await grantedBy(url, context);
  if (typeof access === "string") return refusal(403, access);
  if (request.method === "OPTIONS") return preflight(request, access.method);
  if (request.method !== access.method) {
    return refusal(405, `This URL is for ${access.method} alone.`, { allow: access.method });
  }
  const missing = missingHeader(request.headers, access);
  if (missing !== undefined) return refusal(403, `This URL demands the header ${missing} as it was signed.`);
  const bucket = new Bucket(
    access.bucket,
    access.binding,
    r2Binding(context.bindings, access.binding),
    request,
    sources,
  );
  return METHODS[access.method](bucket, access, request);
}

const METHODS = { GET: getObject, HEAD: headObject, PUT: putObject, DELETE: deleteObject } as const;

/** What the URL grants, or why it grants nothing. */
async function grantedBy(url: URL, { bindings, provider }: PublicContext): Promise<ObjectAccess | string> {
  const secret = signingSecret(bindings);
  const token = url.searchParams.get(ACCESS_PARAMETER);
  if (secret === undefined || token === null) return NOT_SIGNED;
  const access = await verifyAccess(token, secret);
  if (access === "expired") return "This URL has expired.";
  const path = parsePath(url.pathname);
  if (access === "invalid" || path === undefined) return NOT_SIGNED;
  const same = access.provider === provider && path.provider === provider;
  return same && path.bucket === access.bucket && path.key === access.key ? access : NOT_SIGNED;
}

const NOT_SIGNED = "This URL was not signed by this worker, or was altered since.";

function missingHeader(headers: Headers, access: ObjectAccess): string | undefined {
  return Object.entries(access.headers ?? {}).find(([name, value]) => headers.get(name) !== value)?.[0];
}
