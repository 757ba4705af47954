// Random sequences of everything a database does, on ours and on fake-indexeddb, whose answers must be the same.
//
// Differences that the protocol itself makes, and why (differential-oracle.ts bridges those that can be):
// - false and true are keys, before all others: gestaltd finds records by booleans. W3C has no such keys. Not generated
//   here.
// - A record that is not there is NOT_FOUND and rolls a transaction back; W3C answers undefined.
// - Indexes take the first fields of a key alone, together with a range; W3C has ranges only.
// - A range upside down is empty, as in upstream's own database; W3C throws.
// - Cursors show the store as it was when they were opened; W3C's run inside a transaction and see its writes.
// - A fresh cursor stands before its first record, and `advance` counts as if it stood on it.
// - Primary keys are texts that are not empty; W3C takes any key.
// - An update whose record has no primary key keeps that of the cursor; W3C refuses it.
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { describeObjects } from "./databases.ts";
import { Oracle } from "./differential-oracle.ts";
import { sequences } from "./differential-steps.ts";
import { Subject } from "./differential-subject.ts";

const isNightly = process.env.NIGHTLY === "1";
const RUNS = isNightly ? 2_000 : 200;

describeObjects("against fake-indexeddb", (on) => {
  it(`answers the same in ${RUNS} random sequences`, { timeout: isNightly ? 1_800_000 : 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(sequences, async ({ first, rest }) => {
        const oracle = new Oracle();
        const subject = new Subject(on.databases.database("objects"), (store, at) => oracle.indexAt(store, at));
        try {
          for (const step of [...first, ...rest]) {
            // The names of indexes are those before the step.
            const actual = await subject.perform(step);
            assert.deepEqual(actual, await oracle.perform(step), JSON.stringify(step));
          }
        } finally {
          oracle.close();
        }
      }),
      { numRuns: RUNS },
    );
  });
});
