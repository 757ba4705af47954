// A plugin that does nothing but call host services, as often and as much as it is told.
import { definePlugin, operation, serve } from "gestalt-edge";
import * as z from "zod";

export { HostChannel } from "gestalt-edge/channel";

const CHUNK = new Uint8Array(64 * 1024).fill(120);

const caller = definePlugin({
  operations: [
    operation({
      id: "get",
      uses: ["cache"],
      input: z.object({ count: z.int(), key: z.string() }),
      handler: async ({ count, key }, { host }) => {
        let bytes = 0;
        for (let call = 0; call < count; call++) bytes = (await host.cache().get(key))?.length ?? 0;
        return { bytes };
      },
    }),
    operation({
      id: "read",
      uses: ["s3"],
      input: z.object({ size: z.int() }),
      handler: async ({ size }, { host }) => {
        let bytes = 0;
        for await (const chunk of await host.s3().object("bench", String(size)).stream()) bytes += chunk.length;
        return { bytes };
      },
    }),
    operation({
      id: "write",
      uses: ["s3"],
      input: z.object({ size: z.int() }),
      handler: async ({ size }, { host }) => {
        await host.s3().object("bench", "written").write(chunks(size));
        return { bytes: size };
      },
    }),
  ],
});

async function* chunks(size: number) {
  for (let sent = 0; sent < size; sent += CHUNK.length) yield CHUNK;
}

export default serve({ caller });
