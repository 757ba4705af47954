// `npm run soak`: test/bridge-indexeddb/crashes.test.ts for minutes instead of seconds. `SEED` in the environment gives its plan again.
import { it } from "node:test";
import { runCrashes } from "../bridge-indexeddb/crashes/run.ts";
import { seedOfRun } from "../support/seeded.ts";

it("a database under many kills keeps what it has promised", { timeout: 600_000 }, async (t) => {
  await runCrashes(t, { seed: seedOfRun(), kills: 60, answersBetween: [100, 1_000] });
});
