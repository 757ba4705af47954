// Which R2 buckets a session may use and under which names, and what is needed beyond them.
import { Code, ConnectError } from "@connectrpc/connect";
import * as z from "zod/mini";

const bindingName = z.string().check(z.minLength(1, "must be the name of a binding"));

const bucketConfig = z.union(
  [
    /** Name of the R2 binding. */
    bindingName,
    /** With the bucket's name at Cloudflare, which the S3 API needs and a binding does not tell. */
    z.strictObject({ binding: bindingName, name: z.string().check(z.minLength(1)) }),
  ],
  "must be the name of an R2 binding, or {binding, name}",
);

const origin = (value: string) => {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === value.replace(/\/$/, "");
};

/** Names the keys it refuses: zod/mini brings no texts of its own. */
function known<Shape extends z.core.$ZodShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? `unknown: ${issue.keys.join(", ")}` : "must be a map"),
  });
}

export const r2StoreConfig = known({
  /** By the names callers say. Replaces the factory's. */
  buckets: z.optional(z.record(z.string().check(z.minLength(1)), bucketConfig)),
  /** R2's S3 API, for copies that do not pass through the worker. */
  s3: z.optional(
    known({
      /** `https://<account id>.r2.cloudflarestorage.com`. */
      endpoint: z.url({ protocol: /^https?$/, error: "must be a URL: https://<account id>.r2.cloudflarestorage.com" }),
      /** Name of the Worker secret with the access key's id. */
      accessKeyId: bindingName,
      /** Name of the Worker secret with the access key itself. */
      secretAccessKey: bindingName,
    }),
  ),
  /** Scheme and host of presigned URLs, when callers reach the worker under another name than the bridge does. */
  publicUrl: z.optional(z.string().check(z.refine(origin, "must be scheme and host alone: https://files.acme.com"))),
});

export type R2StoreConfig = z.infer<typeof r2StoreConfig>;

export type R2BucketConfig = z.infer<typeof bucketConfig>;

export type R2S3ApiConfig = NonNullable<R2StoreConfig["s3"]>;

/** What a factory was given with what a session's config says over it. */
export interface StoreSettings {
  readonly buckets: Readonly<Record<string, R2BucketConfig>>;
  readonly s3: R2S3ApiConfig | undefined;
  readonly publicUrl: string | undefined;
}

/** Throws INVALID_ARGUMENT when neither names a bucket. */
export function settingsOf(defaults: R2StoreConfig, config: R2StoreConfig): StoreSettings {
  const buckets = config.buckets ?? defaults.buckets ?? {};
  if (Object.keys(buckets).length === 0) {
    throw new ConnectError(
      "The object store has no buckets. Name them in its config: buckets: {<name callers use>: <R2 binding of the worker>}.",
      Code.InvalidArgument,
    );
  }
  return { buckets, s3: config.s3 ?? defaults.s3, publicUrl: config.publicUrl ?? defaults.publicUrl };
}
