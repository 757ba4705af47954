// Makes presigned URLs: they lead back to this worker, which serves them in public-objects.ts.
import { Code, ConnectError } from "@connectrpc/connect";
import { PRESIGN_SECRET_BINDING } from "../../wire/bindings.ts";
import { type S3PresignInput, type S3PresignResult, signingSecret } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import type { StoreSettings } from "./config.ts";
import { signAccess } from "./object-access.ts";
import { checkKey } from "./object-checks.ts";
import { pathOf } from "./object-url.ts";
import type { R2StoreRequest } from "./store.ts";

/** Name of the query parameter with the signature. */
export const ACCESS_PARAMETER = "access";

/** Throws FAILED_PRECONDITION when the worker has no secret to sign with. */
export async function presign(
  bucket: Bucket,
  { publicUrl }: StoreSettings,
  input: S3PresignInput,
  request: R2StoreRequest,
): Promise<S3PresignResult> {
  const { ref, method, provider, expiresSeconds } = input;
  checkKey(ref.key);
  if (ref.versionId !== undefined) throw invalid("A presigned URL means the current version; it takes no version_id.");
  const secret = signingSecret(request.bindings) ?? noSecret();
  const path = pathOf({ provider, bucket: ref.bucket, key: ref.key });
  if (path === undefined) throw invalid("A bucket or key that is . or .. cannot be part of a URL.");
  const headers = requiredHeaders(input);
  const expires = Math.floor(Date.now() / 1000) + expiresSeconds;
  const access = {
    provider,
    method,
    bucket: ref.bucket,
    binding: bucket.binding,
    key: ref.key,
    contentDisposition: input.contentDisposition,
    headers,
  };
  const url = new URL(path, publicUrl ?? input.origin);
  url.searchParams.set(ACCESS_PARAMETER, await signAccess(access, expires, secret));
  return { url: url.href, expiresAt: new Date(expires * 1000), headers };
}

/** What the request must carry, names in lower case. A content type binds uploads only. */
function requiredHeaders({ method, headers, contentType }: S3PresignInput): Record<string, string> {
  const required = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    try {
      required.set(name, value);
    } catch {
      throw invalid(`"${name}" is no HTTP header, or its value cannot be one.`);
    }
  }
  if (method === "PUT" && contentType !== undefined) required.set("content-type", contentType);
  return Object.fromEntries(required);
}

function noSecret(): never {
  throw new ConnectError(
    `Presigned URLs need the Worker secret ${PRESIGN_SECRET_BINDING}, at least 32 random bytes. ` +
      `Set it with: wrangler secret put ${PRESIGN_SECRET_BINDING}`,
    Code.FailedPrecondition,
  );
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
