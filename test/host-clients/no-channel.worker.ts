// A plugin that needs a cache, in a worker whose main module does not export HostChannel.
import { definePlugin, operation, serve } from "../../src/worker/index.ts";

const plugin = definePlugin({
  operations: {
    look: operation({ uses: ["cache"], handler: ({ key }, { host }) => host.cache().get(String(key)) }),
    other: operation({ uses: ["cache?"], handler: (_input, { host }) => host.cache === undefined }),
  },
});

export default serve({ plugin });
