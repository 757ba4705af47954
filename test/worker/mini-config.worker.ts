// A provider that is made of zod/mini alone, which has no texts of its own.
import * as z from "zod/mini";
import { definePlugin, operation, serve } from "../../src/worker/index.ts";

const mini = definePlugin({
  config: z.strictObject({ retries: z.int().check(z.maximum(5)), url: z.url() }),
  operations: [operation({ id: "half", input: z.object({ of: z.int() }), handler: ({ of }) => of / 2 })],
});

export default serve({ mini });
