// An embedded worker whose plugin needs a cache of gestaltd's.
import { z } from "zod";
import { definePlugin, operation, serve } from "../../../src/worker/index.ts";

export { HostChannel } from "../../../src/worker/channel/host-channel.ts";

const search = definePlugin({
  operations: [
    operation({
      id: "keep",
      uses: ["cache"],
      description: "Puts a value into the cache and reads it back.",
      input: z.object({ key: z.string(), value: z.string() }),
      async handler({ key, value }, { host }) {
        await host.cache().set(key, value);
        return new TextDecoder().decode(await host.cache().get(key));
      },
    }),
  ],
});

export default serve({ search });
