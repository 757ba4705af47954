// The shape of an object store as authors write it.

export interface ObjectStoreSchema {
  readonly indexes?: readonly IndexSchema[];
  /** Fields with declared types. A record may hold others beside them. */
  readonly columns?: readonly ColumnSchema[];
}

export interface IndexSchema {
  readonly name: string;
  /**
   * Fields that form the index key, in order. A dot descends into a JSON value, where the database behind gestaltd
   * can.
   */
  readonly keyPath: readonly string[];
  /** At most one record per index key. */
  readonly unique?: boolean;
}

export interface ColumnSchema {
  readonly name: string;
  /** `ColumnType.String` when left out. */
  readonly type?: ColumnType;
  readonly primaryKey?: boolean;
  readonly notNull?: boolean;
  readonly unique?: boolean;
}

/** Numbers of the protocol. */
export const ColumnType = { String: 0, Int: 1, Float: 2, Bool: 3, Time: 4, Bytes: 5, JSON: 6 } as const;
export type ColumnType = (typeof ColumnType)[keyof typeof ColumnType];

/** The declared type of each field. */
export type Columns = ReadonlyMap<string, ColumnType>;

export function columnsOf(schema: Pick<ObjectStoreSchema, "columns"> | undefined): Columns {
  return new Map(schema?.columns?.map(({ name, type = ColumnType.String }) => [name, type]));
}
