// The same plugin as one-operation.worker.ts with zod's small form.
import * as z from "zod/mini";
import { definePlugin, operation, serve } from "../../src/worker/index.ts";

const greeter = definePlugin({
  operations: [
    operation({
      id: "greet",
      input: z.object({ name: z.string(), times: z._default(z.int(), 1) }),
      output: z.object({ greeting: z.string() }),
      handler: ({ name, times }) => ({ greeting: `Hello, ${name}. `.repeat(times) }),
    }),
  ],
});

export default serve({ greeter });
