// A plugin whose one operation runs a scenario by name.
import * as z from "zod";
import { definePlugin, operation, type Provider } from "../../src/worker/index.ts";
import { runScenario, type Scenario } from "./scenarios.ts";

export function scenarioPlugin(scenarios: Readonly<Record<string, Scenario>>): Provider {
  return definePlugin({
    operations: [
      operation({
        id: "run",
        input: z.object({ scenario: z.string(), params: z.record(z.string(), z.json()) }),
        handler: ({ scenario, params }, request) =>
          runScenario(() => {
            const run = scenarios[scenario];
            if (run === undefined) throw new Error(`there is no scenario ${scenario}`);
            return run(request.host as never, params, request);
          }),
      }),
    ],
  });
}
