// 50 clients at one database while workerd, its node and both bridges are killed: nothing acknowledged is lost, no transaction is half
// there, registers are linearizable, and no call outlives its deadline. `npm run soak` does the same for minutes.
import { it } from "node:test";
import { seedOfRun } from "../support/seeded.ts";
import { runCrashes } from "./crashes/run.ts";

it("a database under kills keeps what it has promised", { timeout: 100_000 }, async (t) => {
  await runCrashes(t, { seed: seedOfRun(), kills: 5, answersBetween: [50, 300] });
});
