// Plugins for a real gestaltd: they use what they are offered in ways that the examples do not, and tell what came of it.
import { definePlugin, EgressDeniedError, HostServiceError, operation, serve } from "gestalt-edge";
import { z } from "zod";
import { useDatabase } from "./database.worker.ts";
import { usePlugins } from "./plugins.worker.ts";
import { useStore } from "./store.worker.ts";

export { HostChannel } from "gestalt-edge/channel";

/** What a call came to, in words: its result, or the class of its error. */
async function told(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EgressDeniedError) return `denied ${error.host} by ${error.rule}`;
    if (error instanceof HostServiceError) return `${error.name} ${error.code}: ${error.message}`;
    throw error;
  }
}

const reach = operation({
  id: "reach",
  method: "POST",
  uses: [],
  input: z.object({ target: z.url() }),
  handler: async ({ target }) => ({ outcome: await told(async () => (await fetch(target)).status) }),
});

const user = definePlugin({
  displayName: "User of host services",
  operations: [
    operation({
      id: "cache",
      method: "POST",
      uses: ["cache"],
      input: z.object({ calls: z.int() }),
      handler: async ({ calls }, { host }) => {
        const cache = host.cache();
        await cache.setMany([
          { key: "a", value: "1" },
          { key: "b", value: "2" },
        ]);
        const hits = await cache.getMany(["a", "b", "c"]);
        const touched = await cache.touch("a", { ttlMs: 3_600_000 });
        const deleted = await cache.deleteMany(["b", "c"]);
        const values = await Promise.all(Array.from({ length: calls }, () => cache.get("a")));
        const same = values.filter((value) => new TextDecoder().decode(value) === "1").length;
        return { hits: [...hits.keys()], touched, deleted, same };
      },
    }),
    operation({
      id: "store",
      method: "POST",
      uses: ["s3"],
      input: z.object({ mebibytes: z.int() }),
      handler: ({ mebibytes }, { host }) => useStore(host.s3(), mebibytes),
    }),
    operation({
      id: "database",
      method: "POST",
      uses: ["indexedDB"],
      handler: (_input, { host }) => useDatabase(host.indexedDB()),
    }),
    operation({
      id: "plugins",
      method: "POST",
      uses: ["plugins"],
      handler: (_input, { host }) => usePlugins(host.plugins),
    }),
    operation({
      id: "managers",
      method: "POST",
      uses: ["agents", "workflows", "authorization?"],
      handler: async (_input, { host }) => ({
        agents: await told(() => host.agents.listSessions({})),
        workflows: await told(() => host.workflows.getSchedule({ scheduleId: "none" })),
        authorization: host.authorization === undefined ? "not offered" : "offered",
      }),
    }),
    operation({
      id: "say",
      method: "POST",
      uses: ["runtimeLogs"],
      input: z.object({ word: z.string(), secret: z.string() }),
      handler: async ({ word, secret }, { host, log }) => {
        log.warn(word, { by: "request.log" });
        console.log(`${word} by console, ${secret}`);
        await host.runtimeLogs.append(`${word} by append`);
        const writer = host.runtimeLogs.writer("stderr").getWriter();
        await writer.write(`${word} by `);
        await writer.write("writer\n");
        await writer.close();
        return {};
      },
    }),
    reach,
  ],
});

/** Needs nothing of gestaltd. */
const recluse = definePlugin({ displayName: "Recluse", operations: [reach] });

export default serve({ user, recluse });
