// Credentials in SQLite. What is in `sealed` is encrypted; all else is what credentials are found by, and how their renewal stands.
import type { RefusalKind } from "./outcome.ts";
import type { Place, Sealed } from "./sealing.ts";

/** How the last attempt to renew a credential failed. */
export type Failure = {
  readonly failure: RefusalKind | null;
  readonly failure_text: string | null;
  /** What was asked with, by its fingerprint: with another config another try is worth it. */
  readonly failed_config: string | null;
  /** No further attempt before this instant, in milliseconds; null when only new tokens help. */
  readonly retry_at: number | null;
};

export type Times = {
  readonly expires_at: string | null;
  readonly last_refreshed_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
};

export type CredentialRow = Place &
  Sealed &
  Times &
  Failure & {
    readonly number: number;
    readonly id: string;
    readonly refresh_errors: number;
    /** Counts writes of the content: whoever renewed tokens that are no longer there must not put theirs in their place. */
    readonly version: number;
  };

/** A row as it is to be. */
export type NewRow = Place & Sealed & Times & Pick<CredentialRow, "id" | "refresh_errors">;

export type RowFilter = { readonly [part in keyof Place]?: string | undefined };

export class CredentialTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  salt(): Uint8Array {
    return new Uint8Array(this.#sql.exec<{ salt: ArrayBuffer }>("SELECT salt FROM store").one().salt);
  }

  find({ subject, connection, instance }: Place): CredentialRow | undefined {
    const query = "SELECT * FROM credentials WHERE subject = ? AND connection = ? AND instance = ?";
    return first(this.#sql.exec<CredentialRow>(query, subject, connection, instance));
  }

  byNumber(number: number): CredentialRow | undefined {
    return first(this.#sql.exec<CredentialRow>("SELECT * FROM credentials WHERE number = ?", number));
  }

  /** Credentials of subjects, in the order of their keys. */
  list({ subject, connection, instance }: RowFilter): Iterable<CredentialRow> {
    const parts = Object.entries({ subject, connection, instance }).filter(([, value]) => value !== undefined);
    const conditions = ["subject <> ''", ...parts.map(([column]) => `${column} = ?`)].join(" AND ");
    const query = `SELECT * FROM credentials WHERE ${conditions} ORDER BY subject, connection, instance`;
    return this.#sql.exec<CredentialRow>(query, ...parts.map(([, value]) => value));
  }

  /** Credentials of subjects after the one of a number, in the order they came in. */
  page(after: number, limit: number): CredentialRow[] {
    const query = "SELECT * FROM credentials WHERE number > ? AND subject <> '' ORDER BY number LIMIT ?";
    return this.#sql.exec<CredentialRow>(query, after, limit).toArray();
  }

  hasId(id: string): boolean {
    return first(this.#sql.exec("SELECT 1 FROM credentials WHERE id = ?", id)) !== undefined;
  }

  insert(row: NewRow): void {
    this.#sql.exec(
      `INSERT INTO credentials (id, subject, connection, instance, key_id, sealed, expires_at, last_refreshed_at,
         refresh_errors, created_at, updated_at, version)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
      ...[row.id, row.subject, row.connection, row.instance, row.key_id, row.sealed, row.expires_at],
      ...[row.last_refreshed_at, row.refresh_errors, row.created_at, row.updated_at],
    );
  }

  /** New content, and all that was said of the old one's renewal forgotten. */
  update(number: number, row: Omit<NewRow, "id" | keyof Place>): void {
    this.#sql.exec(
      `UPDATE credentials SET key_id = ?, sealed = ?, expires_at = ?, last_refreshed_at = ?, refresh_errors = ?,
         created_at = ?, updated_at = ?, version = version + 1,
         failure = NULL, failure_text = NULL, failed_config = NULL, retry_at = NULL
       WHERE number = ?`,
      ...[row.key_id, row.sealed, row.expires_at, row.last_refreshed_at, row.refresh_errors],
      ...[row.created_at, row.updated_at, number],
    );
  }

  /** Counts a failed renewal, unless there is new content since. */
  fail({ number, version }: CredentialRow, { failure, failure_text, failed_config, retry_at }: Failure): void {
    this.#sql.exec(
      `UPDATE credentials SET refresh_errors = refresh_errors + 1, failure = ?, failure_text = ?, failed_config = ?,
         retry_at = ? WHERE number = ? AND version = ?`,
      ...[failure, failure_text, failed_config, retry_at, number, version],
    );
  }

  /** Other content for tokens that are being renewed, unless there are new ones since. */
  amend({ number, version }: CredentialRow, { key_id, sealed }: Sealed): void {
    const query = "UPDATE credentials SET key_id = ?, sealed = ? WHERE number = ? AND version = ?";
    this.#sql.exec(query, key_id, sealed, number, version);
  }

  /** The same content under another key, unless it is other content now. */
  reseal(row: CredentialRow, { key_id, sealed }: Sealed): void {
    const query = "UPDATE credentials SET key_id = ?, sealed = ? WHERE number = ? AND sealed = ?";
    this.#sql.exec(query, key_id, sealed, row.number, row.sealed);
  }

  /** Answers whether there was one. */
  removeId(id: string): boolean {
    const query = "DELETE FROM credentials WHERE id = ? AND subject <> '' RETURNING number";
    return first(this.#sql.exec(query, id)) !== undefined;
  }

  /** Tokens of platform connections that were last renewed before an instant. */
  removePlatformTokens(before: string): void {
    const query = "DELETE FROM credentials WHERE subject = '' AND connection <> '' AND updated_at < ?";
    this.#sql.exec(query, before);
  }

  /** How many rows lie under each key. */
  keys(): { readonly key_id: string; readonly rows: number }[] {
    const query = "SELECT key_id, COUNT(*) AS rows FROM credentials GROUP BY key_id ORDER BY key_id";
    return this.#sql.exec<{ key_id: string; rows: number }>(query).toArray();
  }

  underKey(keyId: string, limit: number): CredentialRow[] {
    return this.#sql.exec<CredentialRow>("SELECT * FROM credentials WHERE key_id = ? LIMIT ?", keyId, limit).toArray();
  }

  /** Answers how many rows lay under the key. */
  removeUnderKey(keyId: string): number {
    return this.#sql.exec("DELETE FROM credentials WHERE key_id = ? RETURNING number", keyId).toArray().length;
  }
}

function first<T>(rows: Iterable<T>): T | undefined {
  const [row] = rows;
  return row;
}
