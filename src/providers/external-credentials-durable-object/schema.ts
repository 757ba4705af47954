// The tables of credentials, step by step. A step that was released never changes; what is new is a further step.
import type { SchemaStep } from "../sqlite-schema.ts";

export const SCHEMA: readonly SchemaStep[] = [firstTables];

/**
 * Rows without a subject are not credentials of anybody but tokens of platform connections, by what their config says, and the
 * store's own secret (credential-table.ts). Times are texts of ISO 8601, to the nanosecond where somebody gave one so; `retry_at`
 * is in milliseconds. No number is given twice, or a renewal under way could meet another credential under its own.
 */
function firstTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE store (salt BLOB NOT NULL);

    CREATE TABLE credentials (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      subject TEXT NOT NULL,
      connection TEXT NOT NULL,
      instance TEXT NOT NULL,
      key_id TEXT NOT NULL,
      sealed BLOB NOT NULL,
      expires_at TEXT,
      last_refreshed_at TEXT,
      refresh_errors INTEGER NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      version INTEGER NOT NULL,
      failure TEXT,
      failure_text TEXT,
      failed_config TEXT,
      retry_at INTEGER,
      UNIQUE (subject, connection, instance)
    );
    CREATE INDEX credentials_by_connection ON credentials (connection, instance);
    CREATE INDEX credentials_by_key ON credentials (key_id);
  `);
  sql.exec("INSERT INTO store (salt) VALUES (?)", crypto.getRandomValues(new Uint8Array(32)));
}
