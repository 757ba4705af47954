// Random sequences for the differential test: what is done, in a form that both sides can carry out and that shrinks
// well.
import fc from "fast-check";

/** A value of a field, by its kind on the wire. For the oracle it is the JavaScript value of the same meaning. */
export type Field =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "time"; readonly value: number }
  | { readonly kind: "bytes"; readonly value: readonly number[] }
  | { readonly kind: "json"; readonly value: { readonly x: string | number } }
  | { readonly kind: "null" };

export interface Row {
  readonly id: string;
  readonly fields: Readonly<Record<string, Field>>;
}

export interface Range<Bound> {
  readonly lower?: Bound;
  readonly upper?: Bound;
  readonly lowerOpen: boolean;
  readonly upperOpen: boolean;
}

/** A bound of an index range: the first fields of a key. One alone goes bare where it may. */
export type IndexBound = readonly (string | number)[];

export interface IndexName {
  readonly name: string;
  readonly keyPath: readonly string[];
  readonly unique: boolean;
}

export interface Query {
  readonly index: number;
  readonly values: readonly Field[];
  readonly range?: Range<IndexBound>;
}

export type Operation =
  | { readonly op: "get" | "getKey" | "delete"; readonly id: string }
  | { readonly op: "add" | "put"; readonly row: Row }
  | { readonly op: "clear" }
  | { readonly op: "getAll" | "getAllKeys" | "count" | "deleteRange"; readonly range?: Range<string> }
  | {
      readonly op: "indexGet" | "indexGetKey" | "indexGetAll" | "indexGetAllKeys" | "indexCount" | "indexDelete";
      readonly query: Query;
    };

export const DIRECTIONS = ["next", "nextunique", "prev", "prevunique"] as const;

export type Command =
  | { readonly command: "next" }
  | { readonly command: "advance"; readonly count: number }
  | { readonly command: "continue"; readonly key: string | IndexBound }
  | { readonly command: "update"; readonly fields: Row["fields"] }
  | { readonly command: "delete" };

export interface Walk {
  readonly store: number;
  readonly direction: (typeof DIRECTIONS)[number];
  readonly on: { readonly range?: Range<string> } | { readonly query: Query };
  readonly commands: readonly Command[];
}

export type Step =
  | { readonly step: "schema"; readonly store: number; readonly indexes: readonly IndexName[] }
  | { readonly step: "unary"; readonly store: number; readonly operation: Operation }
  | {
      readonly step: "transaction";
      readonly operations: readonly { readonly store: number; readonly operation: Operation }[];
      readonly end: "commit" | "abort";
    }
  | ({ readonly step: "walk" } & Walk);

/** Few, so that they meet. The last two compare by UTF-16 unit, and would not by code point. */
const ids = fc.constantFrom("a", "b", "c", "d", "aa", "b\0", "\u{1f511}", "\ue000");

const fields: fc.Arbitrary<Field> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("string" as const), value: fc.constantFrom("", "x", "x\0") }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("int" as const), value: fc.integer({ min: 0, max: 2 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("float" as const), value: fc.constantFrom(0.5, 1, -Infinity) }),
  },
  fc.record({ kind: fc.constant("time" as const), value: fc.constantFrom(-1, 0, 86_400_000) }),
  // Not without bytes: fake-indexeddb takes an empty buffer for a detached one.
  fc.record({ kind: fc.constant("bytes" as const), value: fc.constantFrom([0], [0, 0], [0, 255]) }),
  fc.record({ kind: fc.constant("json" as const), value: fc.record({ x: fc.constantFrom("x", 1, 2) }) }),
  fc.record({ kind: fc.constant("null" as const) }),
);

const record: fc.Arbitrary<Row["fields"]> = fc.dictionary(fc.constantFrom("a", "b", "c"), fields, { maxKeys: 3 });
const rows: fc.Arbitrary<Row> = fc.record({ id: ids, fields: record });

function ranges<Bound>(bound: fc.Arbitrary<Bound>): fc.Arbitrary<Range<Bound>> {
  const flags = { lowerOpen: fc.boolean(), upperOpen: fc.boolean() };
  return fc.record(
    { lower: bound, upper: bound, ...flags },
    { requiredKeys: ["lowerOpen", "upperOpen"] },
  ) as fc.Arbitrary<Range<Bound>>;
}

const indexBounds: fc.Arbitrary<IndexBound> = fc.array(fc.constantFrom("", "x", "y", 0, 1, 1.5, 2), {
  minLength: 1,
  maxLength: 2,
});
const keyFields = fields.filter(({ kind }) => kind !== "json" && kind !== "null");
const queries: fc.Arbitrary<Query> = fc.record(
  { index: fc.nat(3), values: fc.array(keyFields, { maxLength: 2 }), range: ranges(indexBounds) },
  { requiredKeys: ["index", "values"] },
) as fc.Arbitrary<Query>;

const storeRange = fc.record({ range: ranges(ids) }, { requiredKeys: [] }) as fc.Arbitrary<{ range?: Range<string> }>;

const operations: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constantFrom("add" as const, "put" as const), row: rows }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom("get" as const, "getKey" as const, "delete" as const), id: ids }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom("getAll" as const, "getAllKeys" as const, "count" as const, "deleteRange" as const),
        storeRange,
      )
      .map(([op, range]) => ({ op, ...range })),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "indexGet" as const,
        "indexGetKey" as const,
        "indexGetAll" as const,
        "indexGetAllKeys" as const,
        "indexCount" as const,
        "indexDelete" as const,
      ),
      query: queries,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("clear" as const) }) },
);

const PATHS = [["a"], ["b"], ["a", "b"], ["c", "a"], ["c.x"]] as const;

const indexes: fc.Arbitrary<readonly IndexName[]> = fc
  .uniqueArray(fc.record({ at: fc.nat(PATHS.length - 1), unique: fc.boolean() }), {
    maxLength: 3,
    selector: ({ at }) => at,
  })
  .map((chosen) => chosen.map(({ at, unique }) => ({ name: `i${at}`, keyPath: PATHS[at] ?? [], unique })));

const stores = fc.nat(1);

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ command: "next" as const }) },
  fc.record({ command: fc.constant("advance" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ command: fc.constant("continue" as const), key: fc.oneof(ids, indexBounds) }),
  fc.record({ command: fc.constant("update" as const), fields: record }),
  fc.constant({ command: "delete" as const }),
);

const walks: fc.Arbitrary<Step> = fc.record({
  step: fc.constant("walk" as const),
  store: stores,
  direction: fc.constantFrom(...DIRECTIONS),
  on: fc.oneof(storeRange, fc.record({ query: queries })),
  commands: fc.array(commands, { minLength: 1, maxLength: 8 }),
});

const transactions: fc.Arbitrary<Step> = fc.record({
  step: fc.constant("transaction" as const),
  operations: fc.array(fc.record({ store: stores, operation: operations }), { minLength: 1, maxLength: 8 }),
  end: fc.constantFrom("commit" as const, "commit" as const, "abort" as const),
});

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ step: fc.constant("unary" as const), store: stores, operation: operations }) },
  { weight: 5, arbitrary: transactions },
  { weight: 3, arbitrary: walks },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("schema" as const), store: stores, indexes }) },
);

/** Rows to begin with, so that there is something to find, and then anything. */
export const sequences: fc.Arbitrary<{ readonly first: readonly Step[]; readonly rest: readonly Step[] }> = fc.record({
  first: fc
    .tuple(indexes, indexes, fc.array(fc.tuple(stores, rows), { minLength: 2, maxLength: 10 }))
    .map(([one, other, rows]): Step[] => [
      { step: "schema", store: 0, indexes: one },
      { step: "schema", store: 1, indexes: other },
      ...rows.map(([store, row]): Step => ({ step: "unary", store, operation: { op: "put", row } })),
    ]),
  rest: fc.array(steps, { minLength: 1, maxLength: 14 }),
});
