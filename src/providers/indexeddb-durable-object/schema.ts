// The tables of a database, step by step. A step that was released never changes; what is new is a further step.
import type { SchemaStep } from "../sqlite-schema.ts";

/**
 * `until` of a row that is in force, 2^53 - 1: above every version, and exact in JavaScript. It stands in the steps as
 * a number, because a partial index is only used where the query has the same term.
 */
export const IN_FORCE = 9_007_199_254_740_991;

export const SCHEMA: readonly SchemaStep[] = [firstTables, versions];

/**
 * Names, keys and records are blobs, so that SQLite compares bytes and nothing is special about NUL or about case. A
 * record too large for a row goes on in pieces. Entries are an index of ours, in the order that queries go through.
 */
function firstTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE ids (next INTEGER NOT NULL);
    INSERT INTO ids (next) VALUES (1);
    CREATE TABLE stores (
      id INTEGER PRIMARY KEY,
      name BLOB NOT NULL UNIQUE,
      columns TEXT NOT NULL
    );
    CREATE TABLE indexes (
      id INTEGER PRIMARY KEY,
      store INTEGER NOT NULL,
      name BLOB NOT NULL,
      key_path TEXT NOT NULL,
      is_unique INTEGER NOT NULL
    );
    CREATE INDEX indexes_by_store ON indexes (store);
    CREATE TABLE records (
      id INTEGER PRIMARY KEY,
      store INTEGER NOT NULL,
      key BLOB NOT NULL,
      size INTEGER NOT NULL,
      head BLOB NOT NULL
    );
    CREATE UNIQUE INDEX records_by_key ON records (store, key);
    CREATE TABLE pieces (
      record INTEGER NOT NULL,
      number INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (record, number)
    );
    CREATE TABLE entries (
      index_id INTEGER NOT NULL,
      key BLOB NOT NULL,
      primary_key BLOB NOT NULL,
      kinds INTEGER NOT NULL,
      PRIMARY KEY (index_id, key, primary_key)
    ) WITHOUT ROWID;
  `);
}

/**
 * Rows that have been replaced stay for the cursors that still see them: a row is visible to versions from `since` on
 * and before `until`. What is retired as a whole, a cleared store or a dropped index, is listed, and swept bit by bit.
 */
function versions(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE versions (next INTEGER NOT NULL);
    INSERT INTO versions (next) VALUES (1);
    CREATE TABLE retired_stores (store INTEGER PRIMARY KEY, until INTEGER NOT NULL);
    CREATE TABLE retired_indexes (index_id INTEGER PRIMARY KEY, until INTEGER NOT NULL);

    ALTER TABLE records ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE records ADD COLUMN until INTEGER NOT NULL DEFAULT 9007199254740991;
    DROP INDEX records_by_key;
    CREATE UNIQUE INDEX records_by_key ON records (store, key, until, since);
    CREATE INDEX records_replaced ON records (until) WHERE until < 9007199254740991;

    ALTER TABLE entries RENAME TO entries_1;
    CREATE TABLE entries (
      index_id INTEGER NOT NULL,
      key BLOB NOT NULL,
      primary_key BLOB NOT NULL,
      until INTEGER NOT NULL,
      since INTEGER NOT NULL,
      kinds INTEGER NOT NULL,
      PRIMARY KEY (index_id, key, primary_key, until)
    ) WITHOUT ROWID;
    INSERT INTO entries (index_id, key, primary_key, until, since, kinds)
      SELECT index_id, key, primary_key, 9007199254740991, 0, kinds FROM entries_1;
    DROP TABLE entries_1;
    CREATE INDEX entries_replaced ON entries (until) WHERE until < 9007199254740991;
  `);
}
