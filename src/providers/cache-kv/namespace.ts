// One call's access to a KV namespace: counted, tried again when KV is busy, its errors translated.
import { Code, ConnectError } from "@connectrpc/connect";
import { type BackoffSources, type Caller, withBackoff } from "../../worker/index.ts";
import { decodeBinary, isExpired, type Metadata, parseMetadata } from "./entry.ts";
import { asConnectError, isRetryable, kvStatus, TOO_LARGE } from "./errors.ts";
import { BACKOFF, CACHE_TTL_SECONDS, MAX_BULK_KEYS, MAX_OPERATIONS } from "./limits.ts";

/** A value a bulk read brought; `text` undefined when it did not fit and must be read alone. */
export interface BulkValue {
  readonly name: string;
  readonly text: string | undefined;
  readonly metadata: Metadata;
}

/** The types leave out that a name without an entry answers null. */
type BulkRead = Map<string, KVNamespaceGetWithMetadataResult<string, unknown> | null>;

export class Namespace {
  readonly #kv: KVNamespace;
  readonly #caller: Caller;
  readonly #sources: BackoffSources | undefined;
  #operations = 0;

  constructor(kv: KVNamespace, caller: Caller, sources: BackoffSources | undefined) {
    this.#kv = kv;
    this.#caller = caller;
    this.#sources = sources;
  }

  /** Throws RESOURCE_EXHAUSTED when so many more operations cannot be done within this call. For before the first. */
  plan(operations: number): void {
    if (this.#operations + operations <= MAX_OPERATIONS) return;
    throw new ConnectError(
      `This call needs more than ${MAX_OPERATIONS} operations on Workers KV, the most a Worker may do in one. ` +
        "Send fewer keys at a time.",
      Code.ResourceExhausted,
    );
  }

  /** Bytes of one live entry. */
  async read(name: string, now: () => number): Promise<Uint8Array | undefined> {
    const options = { type: "arrayBuffer", cacheTtl: CACHE_TTL_SECONDS } as const;
    const { value, metadata: raw } = await this.#run(() => this.#kv.getWithMetadata(name, options));
    const metadata = parseMetadata(raw);
    return value === null || isExpired(metadata, now()) ? undefined : decodeBinary(metadata.form, value);
  }

  /** Whether there is a live entry; its value does not travel. */
  async exists(name: string, now: () => number): Promise<boolean> {
    const options = { type: "stream", cacheTtl: CACHE_TTL_SECONDS } as const;
    const { value, metadata } = await this.#run(() => this.#kv.getWithMetadata(name, options));
    await value?.cancel(); // An unread body would hold one of the six connections.
    return value !== null && !isExpired(parseMetadata(metadata), now());
  }

  /**
   * Shows each live entry among `names` to `visit`, a hundred names per operation. One operation after the other: each
   * may bring 25 MiB, twice that as a string, and an isolate has 128 MB for all its calls.
   */
  async readMany(names: readonly string[], now: () => number, visit: (value: BulkValue) => void): Promise<void> {
    for (let at = 0; at < names.length; at += MAX_BULK_KEYS) {
      await this.#readPage(names.slice(at, at + MAX_BULK_KEYS), now, visit);
    }
  }

  async write(name: string, stored: string | ArrayBufferView, options: KVNamespacePutOptions): Promise<void> {
    await this.#run(() => this.#kv.put(name, stored, options));
  }

  async remove(name: string): Promise<void> {
    await this.#run(() => this.#kv.delete(name));
  }

  async #readPage(page: string[], now: () => number, visit: (value: BulkValue) => void): Promise<void> {
    const options = { type: "text", cacheTtl: CACHE_TTL_SECONDS } as const;
    let found: BulkRead;
    try {
      found = await this.#run(() => this.#kv.getWithMetadata(page, options));
    } catch (failure) {
      if (!(failure instanceof ConnectError) || kvStatus(failure.cause) !== TOO_LARGE) throw failure;
      return this.#readHalves(page, now, visit);
    }
    for (const [name, entry] of found) {
      if (entry === null || entry.value === null) continue;
      const metadata = parseMetadata(entry.metadata);
      if (!isExpired(metadata, now())) visit({ name, text: entry.value, metadata });
    }
  }

  /** Values of more than 25 MiB together do not come in one bulk read; expired ones count too. */
  async #readHalves(page: string[], now: () => number, visit: (value: BulkValue) => void): Promise<void> {
    if (page.length > 1) {
      const half = Math.ceil(page.length / 2);
      await this.#readPage(page.slice(0, half), now, visit);
      await this.#readPage(page.slice(half), now, visit);
      return;
    }
    for (const name of page) {
      if (await this.exists(name, now)) visit({ name, text: undefined, metadata: { form: "binary" } });
    }
  }

  async #run<Result>(operation: () => Promise<Result>): Promise<Result> {
    const attempt = () => {
      this.plan(1);
      this.#operations++;
      return operation();
    };
    try {
      return await withBackoff(attempt, isRetryable, BACKOFF, this.#caller, this.#sources);
    } catch (failure) {
      throw asConnectError(failure);
    }
  }
}
