// What a run has shown: figures for whoever reads along, and faults that fail the test.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { CallLog } from "./call-log.ts";
import type { Ledger } from "./ledger.ts";

/** One cause has many effects. */
const SHOWN_FAULTS = 20;

export function report(t: TestContext, log: CallLog, ledger: Ledger): void {
  const { answered, disturbances, failures } = log;
  const failed = [...failures].sort(([, one], [, other]) => other - one);
  const sum = failed.reduce((total, [, count]) => total + count, 0);
  const longestOverrunMs = Math.round(log.longestOverrunMs);
  t.diagnostic(JSON.stringify({ answered, failed: sum, unsure: ledger.unsure, ...ledger.counts, longestOverrunMs }));
  for (const [victim, kills] of Map.groupBy(disturbances, ({ by }) => by)) {
    const calm = kills.map(({ calmAfterMs }) => calmAfterMs ?? "-").join(", ");
    t.diagnostic(`${kills.length} kills of ${victim}; milliseconds until calm: ${calm}`);
  }
  for (const [what, count] of failed) t.diagnostic(`${count} × ${what}`);
  assert.deepEqual([...log.faults, ...ledger.faults].slice(0, SHOWN_FAULTS), []);
  assert.ok(answered > 0 && sum > 0, "nothing was disturbed");
}
