// The Durable Object that holds credentials: what a worker calls. Tokens are renewed here too, because here there is one of each.
import { DurableObject } from "cloudflare:workers";
import type { Bindings, CredentialFilter, CredentialKey, CredentialKeyRotation } from "../../worker/index.ts";
import { upgradeSchema } from "../sqlite-schema.ts";
import { type CredentialPage, CredentialStore, type MissingKeys } from "./credential-store.ts";
import { CredentialTable } from "./credential-table.ts";
import { Fingerprints } from "./fingerprints.ts";
import { type KeyNames, type KeyRing, keyTexts, openKeyRing } from "./key-ring.ts";
import { ENDPOINT_MS, PATIENCE_MS } from "./limits.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { SCHEMA } from "./schema.ts";
import type { StoredCredential, StoredUpsert } from "./stored.ts";
import { type PlatformQuestion, type PlatformToken, TokenResolver, type UserQuestion } from "./token-resolver.ts";

/** Export it from the worker's main module and name it in `wrangler.toml`; docs/external-credentials.md has the lines. */
export class CredentialsObject extends DurableObject<Bindings> {
  readonly #table: CredentialTable;
  readonly #store: CredentialStore;
  readonly #fingerprints: Fingerprints;
  readonly #resolver: TokenResolver;
  /** The keys derived last, and from what. */
  #ring: { readonly texts: string; readonly opened: Promise<KeyRing> } | undefined;

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    upgradeSchema(ctx.storage, SCHEMA);
    const now = () => this.now();
    this.#table = new CredentialTable(ctx.storage.sql);
    this.#store = new CredentialStore(this.#table, now);
    this.#fingerprints = new Fingerprints(this.#table);
    this.#resolver = new TokenResolver(this.#table, this.#fingerprints, { now, ...this.waits() });
  }

  upsert(credential: StoredUpsert, preserveTimestamps: boolean, keys: KeyNames): Promise<Outcome<StoredCredential>> {
    return this.#answer(keys, (ring) => this.#store.upsert(credential, preserveTimestamps, ring));
  }

  get(key: CredentialKey, keys: KeyNames): Promise<Outcome<StoredCredential | undefined>> {
    return this.#answer(keys, (ring) => this.#store.get(key, ring));
  }

  list(filter: CredentialFilter, keys: KeyNames): Promise<Outcome<StoredCredential[]>> {
    return this.#answer(keys, (ring) => this.#store.list(filter, ring));
  }

  /** All credentials, page by page, for copies: 0 begins, and a page without any ends. */
  page(after: number, keys: KeyNames): Promise<Outcome<CredentialPage>> {
    return this.#answer(keys, (ring) => this.#store.page(after, ring));
  }

  /** Answers whether there was one. */
  remove(id: string): boolean {
    return this.#store.remove(id);
  }

  userToken(question: UserQuestion, keys: KeyNames): Promise<Outcome<StoredCredential>> {
    return this.#answer(keys, (ring) => this.#resolver.forUser(question, ring));
  }

  platformToken(question: PlatformQuestion, keys: KeyNames): Promise<Outcome<PlatformToken>> {
    return this.#answer(keys, (ring) => this.#resolver.forPlatform(question, ring));
  }

  rotateKeys(forget: readonly string[], keys: KeyNames): Promise<Outcome<CredentialKeyRotation>> {
    return this.#answer(keys, (ring) => {
      if (forget.length > 0) this.#fingerprints.reset();
      return this.#store.rotate(forget, ring);
    });
  }

  missingKeys(keys: KeyNames): Promise<Outcome<MissingKeys>> {
    return this.#answer(keys, (ring) => this.#store.missingKeys(ring));
  }

  /** Milliseconds since the epoch. The object's clock alone decides what has expired. */
  protected now(): number {
    return Date.now();
  }

  /** How long callers and token endpoints are waited for, in milliseconds. Asked once, when the object starts. */
  protected waits(): { readonly patience: { readonly expired: number; readonly valid: number }; endpointMs: number } {
    return { patience: PATIENCE_MS, endpointMs: ENDPOINT_MS };
  }

  #answer<T>(keys: KeyNames, work: (ring: KeyRing) => Promise<T> | T): Promise<Outcome<T>> {
    return outcomeOf(async () => work(await this.#openRing(keys)));
  }

  /** Derivation costs a millisecond, and secrets change only with the object's restart; but several gestaltds may name others. */
  #openRing(keys: KeyNames): Promise<KeyRing> {
    const texts = keyTexts(this.env, keys);
    if (this.#ring?.texts === texts) return this.#ring.opened;
    const opened = openKeyRing(this.env, keys, this.#table.salt());
    this.#ring = { texts, opened };
    return opened;
  }
}
