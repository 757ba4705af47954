// URLs that let whoever has them reach one object.

import { type Client, Code } from "@connectrpc/connect";
import { PresignMethod, type S3 as S3Service } from "../../../gen/gestalt/provider/v1/s3_pb.ts";
import type { S3PresignMethod, S3Ref } from "../../s3/objects.ts";
import { withoutUndefined } from "../../without-undefined.ts";
import { InvalidArgumentError } from "../errors.ts";
import { dateOf } from "../fields.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { malformed, refTo } from "./messages.ts";

export interface S3PresignOptions extends HostCallOptions {
  /** `GET` when left out. */
  readonly method?: S3PresignMethod | undefined;
  /** Lifetime of the URL in whole seconds; gestaltd gives it 15 minutes when left out, and at most 24 hours. */
  readonly expiresSeconds?: number | undefined;
  /** For PUT: the upload must name exactly this type. */
  readonly contentType?: string | undefined;
  /** For GET: sent with the object. */
  readonly contentDisposition?: string | undefined;
  /** Further headers that the request must carry with these values. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface S3AccessURL {
  /** A secret: whoever has it has the access. */
  readonly url: string;
  readonly method: S3PresignMethod;
  readonly expiresAt: Date;
  /** What the user of the URL has to send. */
  readonly headers: Readonly<Record<string, string>>;
}

const METHODS: Readonly<Record<S3PresignMethod, PresignMethod>> = {
  GET: PresignMethod.GET,
  PUT: PresignMethod.PUT,
  DELETE: PresignMethod.DELETE,
  HEAD: PresignMethod.HEAD,
};

/** FAILED_PRECONDITION when gestaltd has no base URL. */
export async function presign(
  link: HostLink,
  calls: Client<typeof S3Service>,
  ref: S3Ref,
  options: S3PresignOptions,
): Promise<S3AccessURL> {
  const { method = "GET", expiresSeconds, contentType, contentDisposition, headers } = options;
  if (expiresSeconds !== undefined && !(Number.isSafeInteger(expiresSeconds) && expiresSeconds > 0)) {
    const text = `expiresSeconds is ${expiresSeconds}: it must be a whole number from 1.`;
    throw new InvalidArgumentError("s3", Code.InvalidArgument, text);
  }
  if (!Object.hasOwn(METHODS, method)) {
    const text = `There is no method "${method}"; known are ${Object.keys(METHODS).join(", ")}.`;
    throw new InvalidArgumentError("s3", Code.InvalidArgument, text);
  }
  const request = {
    ref: refTo(ref),
    method: METHODS[method],
    expiresSeconds: BigInt(expiresSeconds ?? 0),
    ...withoutUndefined({ contentType, contentDisposition }),
    headers: { ...headers },
  };
  const answer = await calls.presignObject(request, link.options(options));
  const expiresAt = dateOf(answer.expiresAt);
  if (expiresAt === undefined) throw malformed("a URL without an end");
  return { url: answer.url, method, expiresAt, headers: answer.headers };
}
