// The least useful plugin: what its bundle weighs, gestalt-edge weighs.
import * as z from "zod";
import { definePlugin, operation, serve } from "../../src/worker/index.ts";

const greeter = definePlugin({
  operations: [
    operation({
      id: "greet",
      input: z.object({ name: z.string(), times: z.int().default(1) }),
      output: z.object({ greeting: z.string() }),
      handler: ({ name, times }) => ({ greeting: `Hello, ${name}. `.repeat(times) }),
    }),
  ],
});

export default serve({ greeter });
