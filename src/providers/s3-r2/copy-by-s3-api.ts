// Copies inside R2 by its S3 API: no byte passes through the worker.
import { Code, ConnectError } from "@connectrpc/connect";
import { AwsClient } from "aws4fetch";
import { type Bindings, type S3CopyInput, S3NotFoundError, S3PreconditionFailedError } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import type { R2S3ApiConfig } from "./config.ts";
import { copy } from "./copy.ts";
import { MAX_S3_COPY_BYTES } from "./limits.ts";
import { notFound } from "./meta.ts";
import { checkWritable } from "./object-checks.ts";
import { encodedKey, hasDotSegment } from "./object-url.ts";
import { checkConditions, head } from "./read.ts";
import type { R2StoreRequest } from "./store.ts";

/** Whether the S3 API can make this copy: it needs the buckets' real names, and keys that survive as a URL's path. */
export function hasS3Api(source: Bucket, destination: Bucket, input: S3CopyInput): boolean {
  return (
    source.cloudflareName !== undefined &&
    destination.cloudflareName !== undefined &&
    !hasDotSegment(input.source.key) &&
    !hasDotSegment(input.destination.key)
  );
}

/** Decides the conditions on the source's metadata, then copies exactly the state that was looked at. */
export async function copyByS3Api(
  source: Bucket,
  destination: Bucket,
  input: S3CopyInput,
  config: R2S3ApiConfig,
  request: R2StoreRequest,
): Promise<R2Object> {
  checkWritable(input.destination);
  const { ifMatch, ifNoneMatch } = input;
  const object = await head(source, input.source);
  checkConditions(object, { ifMatch, ifNoneMatch });
  if (object.size > MAX_S3_COPY_BYTES) return copy(source, destination, input);
  const response = await clientOf(config, request.bindings).fetch(
    objectUrl(config.endpoint, destination, input.destination.key),
    {
      method: "PUT",
      headers: {
        "x-amz-copy-source": `/${source.cloudflareName}/${encodedKey(input.source.key)}`,
        "x-amz-copy-source-if-match": object.httpEtag,
      },
      signal: request.signal,
    },
  );
  const answer = await response.text();
  if (!response.ok) throw failure(response.status, answer);
  const copied = await destination.run((r2) => r2.head(input.destination.key));
  if (copied === null) throw notFound(input.destination);
  return copied;
}

/** aws4fetch tries again, with jitter, what the API refused with 429 or failed with 5xx; a copy can be repeated. */
function clientOf({ accessKeyId, secretAccessKey }: R2S3ApiConfig, bindings: Bindings): AwsClient {
  return new AwsClient({
    accessKeyId: secretOf(bindings, accessKeyId),
    secretAccessKey: secretOf(bindings, secretAccessKey),
    service: "s3",
    region: "auto",
    retries: 3,
  });
}

/** Throws when a secret of the S3 API is missing, with what to set. */
export function checkS3Secrets({ accessKeyId, secretAccessKey }: R2S3ApiConfig, bindings: Bindings): void {
  secretOf(bindings, accessKeyId);
  secretOf(bindings, secretAccessKey);
}

function secretOf(bindings: Bindings, name: string): string {
  const value = bindings[name];
  if (typeof value === "string" && value !== "") return value;
  throw new ConnectError(
    `The worker has no secret ${name}, which the config's s3 names. Set it with: wrangler secret put ${name}`,
    Code.InvalidArgument,
  );
}

function objectUrl(endpoint: string, { cloudflareName }: Bucket, key: string): string {
  return `${endpoint.replace(/\/$/, "")}/${cloudflareName}/${encodedKey(key)}`;
}

/** S3's error code is the operator's best hint; the rest of the document may hold request details. */
function failure(status: number, xml: string): Error {
  const code = /<Code>(\w+)<\/Code>/.exec(xml)?.[1] ?? "no code";
  if (status === 412) return new S3PreconditionFailedError("The source was written while it was copied.");
  if (status === 404) return new S3NotFoundError(`R2's S3 API does not find the source or a bucket (${code}).`);
  const unavailable = status === 429 || status >= 500;
  return new ConnectError(
    `R2's S3 API refused the copy: ${status} ${code}.`,
    unavailable ? Code.Unavailable : Code.Internal,
  );
}
