// The smallest useful plugin, written as the guide does.
import { definePlugin, operation, serve } from "gestalt-edge";
import * as z from "zod";

const greet = operation({
  id: "greet",
  input: z.object({ name: z.string() }),
  output: z.object({ greeting: z.string() }),
  handler: ({ name }) => ({ greeting: `Hello, ${name}!` }),
});

export default serve({ hello: definePlugin({ operations: [greet] }) });
