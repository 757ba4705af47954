// The query for stored relationships that match a filter: whose index it uses, and so in which order it answers.
import type { RelationshipKeyRow } from "./relationship-row.ts";

/** What is left out matches everything. */
export type Filter = { readonly [Column in keyof RelationshipKeyRow]?: string | undefined };

type Column = keyof RelationshipKeyRow;

/** A path through the rows: all columns of the key, in the order of an index. */
interface Path {
  readonly index: string;
  readonly columns: readonly Column[];
}

/** NOT INDEXED leaves only the primary key. */
const BY_RESOURCE: Path = {
  index: "NOT INDEXED",
  columns: ["resource_type", "resource_id", "relation", "subject_type", "subject_id"],
};

const BY_SUBJECT: Path = {
  index: "INDEXED BY relationships_by_pair",
  columns: ["subject_type", "subject_id", "resource_type", "resource_id", "relation"],
};

/** `values` lack the last one, the limit. Nothing in `text` comes from a caller. */
export function readQuery(
  filter: Filter,
  after: RelationshipKeyRow | undefined,
): { readonly text: string; readonly values: string[] } {
  const { index, columns } = pathOf(filter);
  const open = columns.findIndex((column) => filter[column] === undefined);
  const prefix = open < 0 ? columns : columns.slice(0, open);
  const rest = columns.slice(prefix.length);
  const values: string[] = [];
  const bind = (value: string | undefined) => {
    values.push(value ?? "");
    return "?";
  };
  const terms = prefix.map((column) => `${column} = ${bind(filter[column])}`);
  for (const column of rest) {
    // The plus keeps SQLite from taking the column for constant, and sorting anew what already is in order.
    if (filter[column] !== undefined) terms.push(`+${column} = ${bind(filter[column])}`);
  }
  if (after !== undefined && rest.length > 0) {
    terms.push(`(${rest.join(", ")}) > (${rest.map((column) => bind(after[column])).join(", ")})`);
  }
  const where = terms.length === 0 ? "" : ` WHERE ${terms.join(" AND ")}`;
  const text = `SELECT * FROM relationships ${index}${where} ORDER BY ${columns.join(", ")} LIMIT ?`;
  return { text, values };
}

/** The path of which the filter fixes the longer start, or the one that is surely short: a whole subject has few rows. */
function pathOf({ subject_type, subject_id, resource_type }: Filter): Path {
  if (subject_type !== undefined && subject_id !== undefined) return BY_SUBJECT;
  if (resource_type !== undefined || subject_type === undefined) return BY_RESOURCE;
  return BY_SUBJECT;
}
