// The tables of authorization data, step by step. A step that was released never changes; what is new is a further step.
import type { SchemaStep } from "../sqlite-schema.ts";

export const SCHEMA: readonly SchemaStep[] = [firstTables];

/**
 * Each question has the index whose order answers it: "does this subject stand in this relation" and "who does" the primary key,
 * "to which resources" by_subject, "in which relations" by_pair, which ends in the primary key's remaining column as all indexes
 * of a table without row ids do.
 */
function firstTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE relationships (
      resource_type TEXT NOT NULL,
      resource_id TEXT NOT NULL,
      relation TEXT NOT NULL,
      subject_type TEXT NOT NULL,
      subject_id TEXT NOT NULL,
      resource_properties TEXT,
      subject_properties TEXT,
      properties TEXT,
      PRIMARY KEY (resource_type, resource_id, relation, subject_type, subject_id)
    ) WITHOUT ROWID;
    CREATE INDEX relationships_by_subject
      ON relationships (subject_type, subject_id, resource_type, relation, resource_id);
    CREATE INDEX relationships_by_pair
      ON relationships (subject_type, subject_id, resource_type, resource_id);

    CREATE TABLE models (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL,
      content TEXT NOT NULL
    );
    CREATE TABLE active_model (number INTEGER NOT NULL REFERENCES models (number));
  `);
}
