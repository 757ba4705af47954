// Names of stores and indexes, and the shape of a store: as they come from callers, checked.
import type {
  ColumnDef,
  IndexSchema as WireIndex,
  ObjectStoreSchema as WireSchema,
} from "../../gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import { type ColumnSchema, ColumnType, type IndexSchema } from "../host/indexeddb/schema.ts";
import { shortened } from "../shortened.ts";
import { invalid } from "./errors.ts";
import { MAX_COLUMNS, MAX_INDEX_FIELDS, MAX_INDEXES, MAX_KEY_PATH_LENGTH, MAX_NAME_LENGTH } from "./limits.ts";
import type { IndexedDBSchema } from "./objects.ts";

export function storeName(name: string): string {
  return checkedName(name, "store");
}

function checkedName(name: string, what: "store" | "index"): string {
  if (name === "") throw invalid(`The name of the ${what} is empty.`);
  if (name.length <= MAX_NAME_LENGTH) return name;
  throw invalid(`The name of the ${what} has ${name.length} characters; the limit is ${MAX_NAME_LENGTH}.`);
}

export function indexName(name: string): string {
  return checkedName(name, "index");
}

/** Throws INVALID_ARGUMENT for what no database could make. */
export function schemaFrom(schema: WireSchema | undefined): IndexedDBSchema {
  const { indexes = [], columns = [] } = schema ?? {};
  if (indexes.length > MAX_INDEXES) throw invalid(`A store can have ${MAX_INDEXES} indexes, not ${indexes.length}.`);
  if (columns.length > MAX_COLUMNS) throw invalid(`A store can have ${MAX_COLUMNS} columns, not ${columns.length}.`);
  const names = new Set(indexes.map(({ name }) => name));
  if (names.size < indexes.length) throw invalid("Two indexes of the store have one name.");
  return { indexes: indexes.map(indexFrom), columns: columns.map(columnFrom) };
}

function indexFrom({ name, keyPath, unique }: WireIndex): Required<IndexSchema> {
  const shown = `Index "${shortened(indexName(name))}"`;
  if (keyPath.length === 0) throw invalid(`${shown} has no field.`);
  if (keyPath.length > MAX_INDEX_FIELDS) {
    throw invalid(`${shown} has ${keyPath.length} fields; the limit is ${MAX_INDEX_FIELDS}.`);
  }
  if (keyPath.includes("")) throw invalid(`${shown} has a field without a name.`);
  if (keyPath.some((path) => path.length > MAX_KEY_PATH_LENGTH)) {
    throw invalid(`${shown} has a key path of more than ${MAX_KEY_PATH_LENGTH} characters.`);
  }
  return { name, keyPath: [...keyPath], unique };
}

const COLUMN_TYPES: ReadonlySet<number> = new Set(Object.values(ColumnType));

function columnFrom({ name, type, primaryKey, notNull, unique }: ColumnDef): Required<ColumnSchema> {
  if (name.length > MAX_KEY_PATH_LENGTH) {
    throw invalid(`A column's name has ${name.length} characters; the limit is ${MAX_KEY_PATH_LENGTH}.`);
  }
  if (!COLUMN_TYPES.has(type)) throw invalid(`The column "${shortened(name)}" is of type ${type}, which there is not.`);
  return { name, type: type as ColumnType, primaryKey, notNull, unique };
}
