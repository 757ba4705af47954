// A session's buckets: from the name a caller says to the R2 binding behind it.
import { Code, ConnectError } from "@connectrpc/connect";
import { type BackoffSources, type Bindings, type Caller, S3NotFoundError, withBackoff } from "../../worker/index.ts";
import type { R2BucketConfig, StoreSettings } from "./config.ts";
import { BACKOFF } from "./limits.ts";
import { isFault, isRefused, meaningOf } from "./r2-errors.ts";

/**
 * Which failures an operation may be repeated after. `always`: repeating changes nothing. `refused`: only when R2 did
 * nothing, as with a write under a condition that its own success would break. `never`: the body is gone.
 */
export type Repeatable = "always" | "refused" | "never";

/** One bucket, for one call. */
export class Bucket {
  /** As callers say it. */
  readonly name: string;
  /** The R2 binding's name. */
  readonly binding: string;
  /** The bucket's name at Cloudflare, when the config tells it. */
  readonly cloudflareName: string | undefined;
  readonly #r2: R2Bucket;
  readonly #caller: Caller;
  readonly #sources: BackoffSources | undefined;

  constructor(name: string, config: R2BucketConfig, r2: R2Bucket, caller: Caller, sources: BackoffSources | undefined) {
    this.name = name;
    this.binding = bindingOf(config);
    this.cloudflareName = typeof config === "string" ? undefined : config.name;
    this.#r2 = r2;
    this.#caller = caller;
    this.#sources = sources;
  }

  /** Runs one operation, again when R2 is busy and it may be repeated. Errors come in the store's vocabulary. */
  async run<T>(operation: (r2: R2Bucket) => Promise<T>, repeatable: Repeatable = "always"): Promise<T> {
    const retryable = (failure: unknown) =>
      repeatable !== "never" && (isRefused(failure) || (repeatable === "always" && isFault(failure)));
    try {
      return await withBackoff(() => operation(this.#r2), retryable, BACKOFF, this.#caller, this.#sources);
    } catch (failure) {
      throw meaningOf(failure);
    }
  }
}

/** Throws NOT_FOUND for a bucket the session does not have. */
export function bucketOf(
  settings: StoreSettings,
  name: string,
  bindings: Bindings,
  caller: Caller,
  sources: BackoffSources | undefined,
): Bucket {
  const config = Object.hasOwn(settings.buckets, name) ? settings.buckets[name] : undefined;
  if (config === undefined) throw new S3NotFoundError(`There is no bucket "${name}".`);
  return new Bucket(name, config, r2Binding(bindings, bindingOf(config)), caller, sources);
}

/** Throws when a bucket's binding is missing, with what to add to the worker. */
export function checkBuckets({ buckets }: StoreSettings, bindings: Bindings): void {
  for (const config of Object.values(buckets)) r2Binding(bindings, bindingOf(config));
}

export function r2Binding(bindings: Bindings, name: string): R2Bucket {
  const binding = bindings[name];
  if (isR2(binding)) return binding;
  throw new ConnectError(
    `The worker has no R2 bucket bound as ${name}. Add to its wrangler.toml: ` +
      `[[r2_buckets]] binding = "${name}", bucket_name = "<bucket>".`,
    // Not FAILED_PRECONDITION: from an object store, gestaltd takes that for a condition of the caller's.
    Code.InvalidArgument,
  );
}

function isR2(binding: unknown): binding is R2Bucket {
  return typeof binding === "object" && binding !== null && "createMultipartUpload" in binding;
}

function bindingOf(config: R2BucketConfig): string {
  return typeof config === "string" ? config : config.binding;
}
