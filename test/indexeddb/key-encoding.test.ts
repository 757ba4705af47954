// Encoded keys: whether their bytes compare as the keys do, and give the keys back.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TypedValue } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { compareBytes } from "../../src/worker/indexeddb/model/bytes.ts";
import { indexInterval } from "../../src/worker/indexeddb/model/intervals.ts";
import { decodeIndexKey, decodePrimaryKey, packKinds } from "../../src/worker/indexeddb/model/key-decoding.ts";
import { encodeKeys, encodePrimaryKey } from "../../src/worker/indexeddb/model/key-encoding.ts";
import { keyValueOf } from "../../src/worker/indexeddb/model/key-values.ts";
import type { Key } from "../../src/worker/indexeddb/model/keys.ts";
import { compareKeys } from "../support/fake-gestaltd/indexeddb/keys.ts";

const RUNS = 3_000;

/** Where the encoding has seams. */
const numbers = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.integer({ min: -3, max: 3 }).map((near) => BigInt(near) + 2n ** 53n),
  fc.integer({ min: -3, max: 3 }).map((near) => BigInt(near) - 2n ** 53n),
  fc.constantFrom(
    ...[0, -0, 1, -1, 1.5, 2 ** 53, 2 ** 53 + 2, 2 ** 63, -(2 ** 63), Number.MIN_VALUE, Infinity, -Infinity],
    ...[0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n - 1024n, 2n ** 63n - 1025n, 2n ** 62n + 1n],
  ),
);
const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.string({
    unit: fc.constantFrom("\0", "a", "\u007f", "\u0080", "\u07ff", "\u0800", "\ue000", "\uffff", "😀"),
    maxLength: 4,
  }),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.array(fc.constantFrom(0, 1, 0xfe, 0xff), { maxLength: 4 }).map((array) => Uint8Array.from(array)),
);
const times = fc.record(
  {
    seconds: fc.oneof(fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }), fc.constantFrom(-1n, 0n, 1n)),
    nanos: fc.oneof(fc.integer({ min: 0, max: 999_999_999 }), fc.constantFrom(0, 999_999_999)),
  },
  { noNullPrototype: true },
);
const scalar: fc.Arbitrary<Key> = fc.oneof(fc.boolean(), numbers, texts, bytes, times);
const nested: fc.Arbitrary<Key> = fc.array(fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), { maxLength: 3 });
const key: fc.Arbitrary<Key> = fc.oneof({ arbitrary: scalar, weight: 3 }, { arbitrary: nested, weight: 1 });

describe("key encoding", () => {
  it("keeps the order of keys", () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 3 }), fc.array(key, { maxLength: 3 }), (one, other) => {
        const order = Math.sign(compareBytes(encodeKeys(one, ""), encodeKeys(other, "")));
        assert.equal(order, Math.sign(compareKeys(one as never, other as never)));
      }),
      { numRuns: RUNS },
    );
  });

  it("keeps the order of numbers exactly, whatever they are stored as", () => {
    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        const order = Math.sign(compareBytes(encodeKeys([one], ""), encodeKeys([other], "")));
        assert.equal(order, one < other ? -1 : one > other ? 1 : 0);
      }),
      { numRuns: RUNS },
    );
  });

  it("gives index keys back, numbers as what they were stored as", () => {
    fc.assert(
      fc.property(fc.array(scalar, { minLength: 1, maxLength: 16 }), (fields) => {
        assert.deepEqual(decodeIndexKey(encodeKeys(fields, ""), packKinds(fields)), fields);
      }),
      { numRuns: RUNS },
    );
  });

  it("keeps the order of primary keys, and gives them back", () => {
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        const order = Math.sign(compareBytes(encodePrimaryKey(one), encodePrimaryKey(other)));
        assert.equal(order, one < other ? -1 : one > other ? 1 : 0);
        assert.equal(decodePrimaryKey(encodePrimaryKey(one)), one);
      }),
      { numRuns: RUNS },
    );
  });

  it("finds the keys with certain first fields, and no others", () => {
    const typed = (key: Key) => keyValueOf(key).kind.value as TypedValue;
    fc.assert(
      fc.property(
        fc.array(scalar, { minLength: 1, maxLength: 3 }),
        fc.array(scalar, { maxLength: 2 }),
        scalar,
        (fields, more, other) => {
          const { from, to } = indexInterval(fields.map(typed), undefined);
          const isWithin = (keys: readonly Key[]) => {
            const bytes = encodeKeys(keys, "");
            return compareBytes(bytes, from) >= 0 && compareBytes(bytes, to) < 0;
          };
          assert.ok(isWithin([...fields, ...more]));
          const others = [...fields.slice(0, -1), other];
          assert.equal(isWithin([...others, ...more]), compareKeys(others as never, fields as never) === 0);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
