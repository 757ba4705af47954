// What the Durable Object of a database is called. It must never change: the data would be sought elsewhere.

/** What gestaltd may say of the database, by the keys of its config. Each tells databases apart. */
export interface Scope {
  readonly database?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly prefix?: string | undefined;
  /** Another name of `prefix`. */
  readonly table_prefix?: string | undefined;
}

/** `indexeddb` for the database without a scope, `indexeddb/table=hello` for that of the plugin hello. */
export function objectName(
  name: string,
  { database, schema, table, table_prefix, prefix = table_prefix }: Scope,
): string {
  const scope = Object.entries({ database, schema, table, prefix });
  const given = scope.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`]));
  return [name, ...given].join("/");
}
