// Byte ranges are inclusive on both ends, whatever the object's size.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { read, refused, startStores, text, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const s3 = stores.s3();
const ref = { bucket: "files", key: "digits" };
await write(s3, { ref }, "0123456789");

const SATISFIED: readonly [{ start?: bigint; end?: bigint }, string][] = [
  [{ start: 2n, end: 5n }, "2345"],
  [{ start: 0n, end: 0n }, "0"],
  [{ start: 7n }, "789"],
  [{ end: 3n }, "0123"],
  [{ start: 9n }, "9"],
  [{ start: 3n, end: 10n }, "3456789"],
  [{ start: 3n, end: 2n ** 63n - 1n }, "3456789"],
  [{}, "0123456789"],
];

for (const [range, expected] of SATISFIED) {
  test(`${describe(range)} is "${expected}"`, async () => {
    const { meta, bytes } = await read(s3, { ref, range });
    assert.deepEqual([bytes.toString(), meta.size], [expected, 10n]);
  });
}

const REFUSED: readonly { start?: bigint; end?: bigint }[] = [
  { start: 10n },
  { start: 10n, end: 12n },
  { start: 11n, end: 12n },
  { start: 5n, end: 4n },
  { start: -1n },
  { end: -1n },
  { start: 2n ** 62n },
];

for (const range of REFUSED) {
  test(`${describe(range)} is OUT_OF_RANGE`, async () => {
    await refused(text(s3, { ref, range }), Code.OutOfRange);
  });
}

test("no range fits an empty object, unless it is open on both ends", async () => {
  const empty = { bucket: "files", key: "empty" };
  await write(s3, { ref: empty });
  for (const range of [{ start: 0n }, { end: 0n }, { start: 0n, end: 5n }, { end: 2n ** 60n }]) {
    await refused(text(s3, { ref: empty, range }), Code.OutOfRange);
  }
  assert.equal(await text(s3, { ref: empty, range: {} }), "");
});

test("a condition that does not hold comes before a range that does not fit", async () => {
  await refused(read(s3, { ref, range: { start: 100n }, ifMatch: "other" }), Code.FailedPrecondition);
});

test("any range of any object is the slice it says", async () => {
  const bound = fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined });
  const property = fc.asyncProperty(fc.nat(32), bound, bound, async (size, start, end) => {
    const object = { bucket: "files", key: `size-${size}` };
    const content = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ".slice(0, size);
    await write(s3, { ref: object }, content);
    const range = {
      ...(start === undefined ? {} : { start: BigInt(start) }),
      ...(end === undefined ? {} : { end: BigInt(end) }),
    };
    const from = start ?? 0;
    const open = start === undefined && end === undefined;
    if (!open && (from >= size || from > (end ?? from))) {
      await refused(read(s3, { ref: object, range }), Code.OutOfRange);
      return;
    }
    assert.equal(await text(s3, { ref: object, range }), content.slice(from, end === undefined ? undefined : end + 1));
  });
  await fc.assert(property, { numRuns: 150 });
});

function describe({ start, end }: { start?: bigint; end?: bigint }): string {
  return `bytes ${start ?? ""}..${end ?? ""}`;
}
