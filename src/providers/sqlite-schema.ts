// The version of a Durable Object's SQLite schema: an older database is brought up to date when the object starts, in one
// transaction, and one from a newer release is left alone.

/** Makes version n + 1 of a database of version n; the first one makes version 1 of an empty one. */
export type SchemaStep = (sql: SqlStorage) => void;

/** Part of the text of the error for a database of a newer release; nothing but the text of an error leaves an object. */
export const NEWER_SCHEMA = "was written by a newer release";

/**
 * Runs the steps that the database lacks: all of them, or none. A step that was once released must never change.
 *
 * @throws Error with {@link NEWER_SCHEMA} in its text when the database has more steps behind it than there are.
 */
export function upgradeSchema(storage: DurableObjectStorage, steps: readonly SchemaStep[]): void {
  const { sql } = storage;
  storage.transactionSync(() => {
    sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
    const [{ version } = { version: 0 }] = sql.exec<{ version: number }>("SELECT version FROM schema_version");
    if (version > steps.length) {
      throw new Error(
        `its data ${NEWER_SCHEMA} of gestalt-edge, as version ${version} of the schema; this one knows ${steps.length}`,
      );
    }
    if (version === steps.length) return;
    for (const step of steps.slice(version)) step(sql);
    sql.exec("DELETE FROM schema_version");
    sql.exec("INSERT INTO schema_version (version) VALUES (?)", steps.length);
  });
}
