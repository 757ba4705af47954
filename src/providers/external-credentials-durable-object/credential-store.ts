// Credentials as their writers know them: encrypted on the way into the table, decrypted on the way out, and kept under one key after
// another.
import type { CredentialFilter, CredentialKey, CredentialKeyRotation } from "../../worker/index.ts";
import type { CredentialRow, CredentialTable } from "./credential-table.ts";
import { instantOf } from "./instants.ts";
import type { KeyRing } from "./key-ring.ts";
import { MAX_CONTENT_BYTES, MAX_LIST_BYTES, PAGE, ROTATED_AT_ONCE } from "./limits.ts";
import { RefusedError } from "./outcome.ts";
import { seal, unseal } from "./sealing.ts";
import { placeOf, type StoredCredential, type StoredUpsert, storedCredential } from "./stored.ts";

export interface CredentialPage {
  readonly credentials: readonly StoredCredential[];
  readonly next: number;
}

export type MissingKeys = CredentialKeyRotation["missing"];

export class CredentialStore {
  readonly #table: CredentialTable;
  /** Milliseconds since the epoch. */
  readonly #now: () => number;

  constructor(table: CredentialTable, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  async upsert(wanted: StoredUpsert, preserveTimestamps: boolean, ring: KeyRing): Promise<StoredCredential> {
    const { accessToken, refreshToken, scopes, metadataJson } = wanted;
    const content = { accessToken, refreshToken, scopes, metadataJson };
    const place = placeOf(wanted);
    const sealed = await seal(content, place, ring.current, MAX_CONTENT_BYTES);
    // From here to the end nothing else runs in the object.
    const before = this.#table.find(place);
    const now = instantOf(new Date(this.#now()));
    const given = preserveTimestamps ? wanted : undefined;
    const value = {
      ...{ ...sealed, expires_at: wanted.expiresAt, last_refreshed_at: wanted.lastRefreshedAt },
      refresh_errors: wanted.refreshErrorCount,
      created_at: given?.createdAt ?? before?.created_at ?? now,
      updated_at: given?.updatedAt ?? now,
    };
    if (before === undefined) this.#table.insert({ ...place, ...value, id: this.#newId(wanted.id) });
    else this.#table.update(before.number, value);
    return storedCredential(this.#stored(place), content);
  }

  async get(key: CredentialKey, ring: KeyRing): Promise<StoredCredential | undefined> {
    const row = this.#table.find(placeOf(key));
    return row && storedCredential(row, await unseal(row, ring));
  }

  async list({ subjectId, connectionId, instance }: CredentialFilter, ring: KeyRing): Promise<StoredCredential[]> {
    const rows: CredentialRow[] = [];
    let bytes = 0;
    for (const row of this.#table.list({ subject: subjectId, connection: connectionId, instance })) {
      bytes += row.sealed.byteLength;
      if (bytes > MAX_LIST_BYTES) {
        throw new RefusedError("too large", "The credentials do not fit into one answer of 4 MiB; ask for fewer.");
      }
      rows.push(row);
    }
    return Promise.all(rows.map(async (row) => storedCredential(row, await unseal(row, ring))));
  }

  /** Some credentials after a place, and the place after them; none when that was the last. */
  async page(after: number, ring: KeyRing): Promise<CredentialPage> {
    const rows = this.#table.page(after, PAGE);
    const credentials = await Promise.all(rows.map(async (row) => storedCredential(row, await unseal(row, ring))));
    return { credentials, next: rows.at(-1)?.number ?? after };
  }

  remove(id: string): boolean {
    return this.#table.removeId(id);
  }

  /** Puts some rows under the current key that lie under another one. */
  async rotate(forget: readonly string[], ring: KeyRing): Promise<CredentialKeyRotation> {
    const forgotten = this.#forget(forget, ring);
    const old = this.#table.keys().filter(({ key_id }) => key_id !== ring.current.id && ring.find(key_id));
    const rows = old.flatMap(({ key_id }) => this.#table.underKey(key_id, ROTATED_AT_ONCE)).slice(0, ROTATED_AT_ONCE);
    const refusals: RefusedError[] = [];
    for (const row of rows) await this.#reseal(row, ring).catch((error) => refusals.push(refusal(error)));
    // What no key opens must not keep the rest from its new one; left alone, it is what the command ends with.
    const [first] = refusals;
    if (first !== undefined && refusals.length === rows.length) throw first;
    const keyId = ring.current.id;
    const keys = this.#table.keys();
    const remaining = keys.filter(({ key_id }) => key_id !== keyId && ring.find(key_id));
    const sum = remaining.reduce((total, { rows }) => total + rows, 0);
    return {
      keyId,
      rotated: rows.length - refusals.length,
      forgotten,
      remaining: sum,
      missing: this.missingKeys(ring),
    };
  }

  missingKeys(ring: KeyRing): MissingKeys {
    const missing = this.#table.keys().filter(({ key_id }) => ring.find(key_id) === undefined);
    return missing.map(({ key_id, rows }) => ({ keyId: key_id, credentials: rows }));
  }

  async #reseal(row: CredentialRow, ring: KeyRing): Promise<void> {
    this.#table.reseal(row, await seal(await unseal(row, ring), row, ring.current));
  }

  #forget(keyIds: readonly string[], ring: KeyRing): number {
    const known = keyIds.find((id) => ring.find(id) !== undefined);
    if (known !== undefined) {
      throw new RefusedError("misconfigured", `The worker has the key ${known}: nothing under it is lost.`);
    }
    return keyIds.reduce((total, id) => total + this.#table.removeUnderKey(id), 0);
  }

  /** The writer's wish, unless another credential has it. */
  #newId(wish: string): string {
    return wish === "" || this.#table.hasId(wish) ? crypto.randomUUID() : wish;
  }

  #stored(place: ReturnType<typeof placeOf>): CredentialRow {
    const row = this.#table.find(place);
    if (row === undefined) throw new Error("a credential is not there that has just been stored");
    return row;
  }
}

/** Rethrows what is no refusal. */
function refusal(error: unknown): RefusedError {
  if (error instanceof RefusedError) return error;
  throw error;
}
