// Relationships in SQLite. Each query names its index: without statistics SQLite would sometimes choose one that reads far more.
import { type Filter, readQuery } from "./read-query.ts";
import type { RelationshipKeyRow, RelationshipRow } from "./relationship-row.ts";

/** An entity found by a search, with the properties that the relationship it was found by has for it, as JSON. */
export type FoundRow = { readonly id: string; readonly properties: string | null };

export class RelationshipTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  has({ resource_type, resource_id, relation, subject_type, subject_id }: RelationshipKeyRow): boolean {
    const query = `SELECT 1 FROM relationships NOT INDEXED
      WHERE resource_type = ? AND resource_id = ? AND relation = ? AND subject_type = ? AND subject_id = ?`;
    const cursor = this.#sql.exec(query, resource_type, resource_id, relation, subject_type, subject_id);
    return cursor.toArray().length > 0;
  }

  /** The relations in which the subject stands to the resource. */
  relationsBetween(pair: Omit<RelationshipKeyRow, "relation">): string[] {
    const query = `SELECT relation FROM relationships INDEXED BY relationships_by_pair
      WHERE subject_type = ? AND subject_id = ? AND resource_type = ? AND resource_id = ?`;
    const { subject_type, subject_id, resource_type, resource_id } = pair;
    const rows = this.#sql.exec<{ relation: string }>(query, subject_type, subject_id, resource_type, resource_id);
    return Array.from(rows, ({ relation }) => relation);
  }

  /** Subjects of one type that stand in the relation to the resource, by id, from after the id `subject_id`. */
  subjects(from: RelationshipKeyRow, limit: number): FoundRow[] {
    const query = `SELECT subject_id AS id, subject_properties AS properties FROM relationships NOT INDEXED
      WHERE resource_type = ? AND resource_id = ? AND relation = ? AND subject_type = ? AND subject_id > ?
      ORDER BY subject_id LIMIT ?`;
    const { resource_type, resource_id, relation, subject_type, subject_id } = from;
    return this.#sql
      .exec<FoundRow>(query, resource_type, resource_id, relation, subject_type, subject_id, limit)
      .toArray();
  }

  /** Resources of one type to which the subject stands in the relation, by id, from after the id `resource_id`. */
  resources(from: RelationshipKeyRow, limit: number): FoundRow[] {
    const query = `SELECT resource_id AS id, resource_properties AS properties
      FROM relationships INDEXED BY relationships_by_subject
      WHERE subject_type = ? AND subject_id = ? AND resource_type = ? AND relation = ? AND resource_id > ?
      ORDER BY resource_id LIMIT ?`;
    const { subject_type, subject_id, resource_type, relation, resource_id } = from;
    return this.#sql
      .exec<FoundRow>(query, subject_type, subject_id, resource_type, relation, resource_id, limit)
      .toArray();
  }

  /** Rows that match, in the filter's own order, from after the row `after`. */
  read(filter: Filter, after: RelationshipKeyRow | undefined, limit: number): Iterable<RelationshipRow> {
    const { text, values } = readQuery(filter, after);
    return this.#sql.exec<RelationshipRow>(text, ...values, limit);
  }

  /** One that exists gets the new properties; where they are the same nothing is written. */
  write(row: RelationshipRow): void {
    this.#sql.exec(
      `INSERT INTO relationships (resource_type, resource_id, relation, subject_type, subject_id,
         resource_properties, subject_properties, properties)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         resource_properties = excluded.resource_properties,
         subject_properties = excluded.subject_properties,
         properties = excluded.properties
       WHERE resource_properties IS NOT excluded.resource_properties
         OR subject_properties IS NOT excluded.subject_properties
         OR properties IS NOT excluded.properties`,
      row.resource_type,
      row.resource_id,
      row.relation,
      row.subject_type,
      row.subject_id,
      row.resource_properties,
      row.subject_properties,
      row.properties,
    );
  }

  remove({ resource_type, resource_id, relation, subject_type, subject_id }: RelationshipKeyRow): void {
    const query = `DELETE FROM relationships
      WHERE resource_type = ? AND resource_id = ? AND relation = ? AND subject_type = ? AND subject_id = ?`;
    this.#sql.exec(query, resource_type, resource_id, relation, subject_type, subject_id);
  }
}
