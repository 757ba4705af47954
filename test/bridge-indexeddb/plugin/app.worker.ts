// A plugin that keeps words in the database gestaltd gives it.
import { definePlugin, operation, serve } from "gestalt-edge";
import { z } from "zod";
import { useDatabase } from "../../e2e/app/database.worker.ts";

export { HostChannel } from "gestalt-edge/channel";

const user = definePlugin({
  displayName: "Database user",
  operations: [
    operation({
      id: "database",
      method: "POST",
      uses: ["indexedDB"],
      handler: (_input, { host }) => useDatabase(host.indexedDB()),
    }),
    operation({
      id: "remember",
      method: "POST",
      uses: ["indexedDB"],
      input: z.object({ words: z.array(z.string()) }),
      handler: async ({ words }, { host }) => {
        const database = host.indexedDB();
        // The name of one of gestaltd's own stores: where databases are not apart, its users would be in here.
        await database.createObjectStore("users", {});
        await database.transaction("users", "readwrite", async (transaction) => {
          for (const id of words) await transaction.objectStore("users").put({ id });
        });
        const seen: unknown[] = [];
        for await (const cursor of database.objectStore("users").openCursor()) seen.push(cursor.primaryKey);
        return { seen };
      },
    }),
  ],
});

export default serve({ user });
