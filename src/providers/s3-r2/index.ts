// An object store on R2. docs/s3.md says what it keeps where, and what it promises.

import { PRESIGN_SECRET_BINDING } from "../../wire/bindings.ts";
import { type BackoffSources, defineS3Provider, type Provider, signingSecret } from "../../worker/index.ts";
import { checkBuckets } from "./buckets.ts";
import { type R2StoreConfig, r2StoreConfig, settingsOf } from "./config.ts";
import { checkS3Secrets } from "./copy-by-s3-api.ts";
import { publicObjects } from "./public-objects.ts";
import { r2Handlers } from "./store.ts";

export type { R2BucketConfig, R2S3ApiConfig, R2StoreConfig } from "./config.ts";

/** What a session's config does not say is taken from here. */
export interface R2ObjectStoreOptions extends R2StoreConfig {
  /** Chance and pauses between tries when R2 is busy. */
  readonly backoff?: BackoffSources;
}

/** Makes an object store that keeps its objects in R2 buckets. */
export function r2ObjectStore({ backoff, ...defaults }: R2ObjectStoreOptions = {}): Provider {
  return defineS3Provider<R2StoreConfig>({
    displayName: "Object store on R2",
    description: "S3 objects in Cloudflare R2 buckets.",
    config: r2StoreConfig,
    configure({ bindings, config }) {
      const settings = settingsOf(defaults, config);
      checkBuckets(settings, bindings);
      if (settings.s3 !== undefined) checkS3Secrets(settings.s3, bindings);
    },
    warnings: ({ bindings }) => (signingSecret(bindings) === undefined ? [NO_SECRET] : []),
    ...r2Handlers({ defaults, sources: backoff }),
    publicObjects: (request, context) => publicObjects(request, context, backoff),
  });
}

const NO_SECRET =
  `The Worker secret ${PRESIGN_SECRET_BINDING} is missing or shorter than 32 bytes: ` +
  "objects over 8 MiB cannot be written, and presigned URLs cannot be made.";
