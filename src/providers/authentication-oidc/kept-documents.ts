// What issuers publish, kept in the isolate: fetched when it is needed, once for all who wait for it, and used for a while.
import { KEPT_ISSUERS, RETRY_AFTER_MS, STALE_MS } from "./limits.ts";

interface Kept<Document> {
  readonly document: Document;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly atMs: number;
  /** When a newer one was asked for last in vain, in milliseconds since the epoch, and by whom. */
  failed?: { readonly kin: string; readonly atMs: number };
}

interface Loading<Document> {
  readonly document: Promise<Document>;
  readonly sinceMs: number;
}

export interface Wanted<Document> {
  readonly url: string;
  /** Runs for others too: it must not end with its caller. */
  readonly load: () => Promise<Document>;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Callers with the same text share a fetch, its failure, in the words of the config of the one who began it, and the pause after it. */
  readonly kin: string;
}

/** Keeps the worker alive for a fetch that others wait for too. */
export interface Keeper {
  waitUntil(promise: Promise<unknown>): void;
}

/**
 * A fetch this old, in milliseconds, belongs to a request that is gone: `waitUntil` keeps one alive for 30 seconds after its caller has
 * left (Workers platform limits). Without a limit one killed request would block its issuer for good.
 */
const ABANDONED_AFTER_MS = 30_000;

export class KeptDocuments<Document> {
  readonly #kept = new Map<string, Kept<Document>>();
  readonly #loading = new Map<string, Loading<Document>>();
  readonly #now: () => number;

  /** `now` answers in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The document of `url`, fetched by `load` unless there is one from `sinceMs` or later. When that fails, one of the last hour serves:
   * for a while without another try, but for those who want none that is older than their question.
   */
  async get({ url, load, sinceMs, kin }: Wanted<Document>, keeper: Keeper): Promise<Document> {
    const kept = this.#kept.get(url);
    if (kept !== undefined && kept.atMs >= sinceMs) return kept.document;
    const startMs = this.#now();
    const spare = kept !== undefined && startMs - kept.atMs < STALE_MS ? kept : undefined;
    const pausedSinceMs = Math.max(sinceMs, startMs - RETRY_AFTER_MS);
    if (spare?.failed?.kin === kin && spare.failed.atMs >= pausedSinceMs) return spare.document;
    try {
      return await this.#load(url, kin, load, keeper);
    } catch (error) {
      if (spare === undefined) throw error;
      spare.failed = { kin, atMs: startMs };
      return spare.document;
    }
  }

  async #load(url: string, kin: string, load: () => Promise<Document>, keeper: Keeper): Promise<Document> {
    const sinceMs = this.#now();
    const key = `${kin} ${url}`;
    const underWay = this.#loading.get(key);
    if (underWay !== undefined && sinceMs - underWay.sinceMs < ABANDONED_AFTER_MS) return underWay.document;
    const loading: Loading<Document> = { document: load(), sinceMs };
    this.#loading.set(key, loading);
    keeper.waitUntil(loading.document.catch(() => undefined));
    try {
      const document = await loading.document;
      this.#keep(url, { document, atMs: sinceMs });
      return document;
    } finally {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    }
  }

  #keep(url: string, kept: Kept<Document>): void {
    // The oldest goes: sessions choose their issuers, and must not make the isolate grow.
    this.#kept.delete(url);
    const [oldest] = this.#kept.size < KEPT_ISSUERS ? [] : this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(url, kept);
  }
}
