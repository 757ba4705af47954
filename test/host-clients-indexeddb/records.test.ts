// The codec of records and keys, by itself: whatever a record holds comes back as it was, of the same kind.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { RecordSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { decodeKeyValue, encodeTarget } from "../../src/worker/host/indexeddb/keys.ts";
import { decodeRecord, encodeRecord } from "../../src/worker/host/indexeddb/records.ts";
import { type Columns, ColumnType } from "../../src/worker/host/indexeddb/schema.ts";
import { Timestamp } from "../../src/worker/host/indexeddb/timestamp.ts";

const NO_COLUMNS: Columns = new Map();

/** Any code points, so no halves of surrogate pairs. */
const text = fc.string({ unit: "binary" });
const name = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toString", "", "a.b"));
const years = { min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true };
const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.constant(null), text, fc.boolean(), number(), tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(name, tie("value"), { maxKeys: 4 }),
})).value;
const instant = fc
  .tuple(fc.date(years), fc.integer({ min: 1, max: 999_999 }))
  .map(([date, beyond]) => new Timestamp(date, beyond));
const value = fc.oneof(
  fc.constant(null),
  text,
  fc.boolean(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.date(years),
  instant,
  fc.uint8Array(),
  fc.array(json, { maxLength: 4 }),
  fc.dictionary(name, json, { maxKeys: 4 }),
);
const record = fc
  .tuple(text, fc.dictionary(name, value, { maxKeys: 8 }))
  .map(([id, fields]) => Object.fromEntries([...Object.entries(fields), ["id", id]]));

describe("records", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(record, (given) => {
        const read = decodeRecord(through(given));
        const expected = Object.entries(given).map(([field, one]) => [field, asRead(one)]);
        // Compares -0 and NaN as themselves, and prototypes.
        assert.deepStrictEqual(read, Object.fromEntries(expected));
      }),
    );
  });

  it("keep the kind of a number on the wire", () => {
    const kinds = (given: unknown, columns = NO_COLUMNS) => through({ id: "a", n: given }, columns).fields.n?.kind.case;
    fc.assert(fc.property(fc.maxSafeInteger(), (n) => kinds(n) === "intValue"));
    fc.assert(fc.property(fc.maxSafeInteger(), (n) => kinds(n, new Map([["n", ColumnType.Float]])) === "floatValue"));
    fc.assert(fc.property(fc.double({ noInteger: true }), (n) => kinds(n) === "floatValue"));
    for (const n of [-0, Number.NaN, Infinity, 2 ** 53, -(2 ** 53)]) assert.equal(kinds(n), "floatValue");
    assert.equal(kinds(2n ** 60n), "intValue");
    assert.equal(kinds({ a: 1 }), "jsonValue");
    assert.equal(kinds("text", new Map([["n", ColumnType.JSON]])), "jsonValue");
  });

  it("hold bytes of their own", () => {
    const bytes = Uint8Array.of(1);
    const { n } = encodeRecord({ id: "a", n: bytes }, NO_COLUMNS).fields;
    bytes[0] = 2;
    assert.deepEqual(n?.kind.value, Uint8Array.of(1));
  });
});

describe("keys", () => {
  it("come back as they were", () => {
    const key = fc.oneof(
      text,
      fc.maxSafeInteger(),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.date(years),
      instant,
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), (parts) => {
        assert.deepStrictEqual(encodeTarget(parts).map(decodeKeyValue), parts.map(asRead));
      }),
    );
  });
});

/** Through the bytes that travel. */
function through(given: object, columns = NO_COLUMNS) {
  return fromBinary(RecordSchema, toBinary(RecordSchema, encodeRecord(given, columns)));
}

/** An int64 that a number holds exactly is read as one; objects come back with the ordinary prototype. */
function asRead(given: unknown): unknown {
  if (typeof given === "bigint") return Number.isSafeInteger(Number(given)) ? Number(given) : given;
  if (Array.isArray(given)) return given.map(asRead);
  if (typeof given !== "object" || given === null || given instanceof Date || given instanceof Uint8Array) return given;
  return Object.fromEntries(Object.entries(given).map(([key, one]) => [key, asRead(one)]));
}

/** JSON has no other. */
function number() {
  return fc.double({ noNaN: true, noDefaultInfinity: true });
}
