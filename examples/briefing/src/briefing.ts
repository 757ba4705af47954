// The plugin: its config and its three operations. The text is made in text.ts, what was written is remembered in history.ts.
import { definePlugin, OperationError, operation, S3NotFoundError } from "gestalt-edge";
import * as z from "zod";
import { historyOf } from "./history.ts";
import { briefingText, foundItems } from "./text.ts";

const config = z.object({
  /** The plugin that finds things, and its operation for that: `examples/search`, for one. */
  source: z.object({ plugin: z.string(), operation: z.string() }).default({ plugin: "search", operation: "find" }),
  /** Bucket the briefings are kept in. */
  bucket: z.string().default("briefings"),
  /** So long a briefing is good, in seconds. */
  freshSeconds: z.number().positive().default(300),
});

const topic = z.string().min(2).max(100).describe("What the briefing is about");

export const briefing = definePlugin({
  displayName: "Briefings",
  description: "Writes down what there is to know about a topic",
  version: "1.0.0",
  config,
  operations: [
    operation({
      config,
      id: "write",
      title: "Write a briefing",
      description: "Looks the topic up, unless that was done just now, and keeps what was found",
      uses: ["plugins", "cache", "s3", "indexedDB"],
      input: z.object({ topic }),
      output: z.object({ key: z.string(), items: z.int(), fresh: z.boolean() }),
      handler: async ({ topic }, { config, host, log }) => {
        const cache = host.cache();
        const known = await cache.get(topic);
        if (known !== undefined) return { ...JSON.parse(new TextDecoder().decode(known)), fresh: false };

        const { plugin, operation } = config.source;
        const found = await host.plugins.invoke(plugin, operation, { query: topic, limit: 5 });
        if (found.status !== 200) throw new OperationError(502, { error: `${plugin} answered ${found.status}` });
        const items = foundItems(found.json());

        const key = `${encodeURIComponent(topic)}.md`;
        const text = briefingText(topic, items);
        await host.s3().object(config.bucket, key).writeString(text, { contentType: "text/markdown" });
        await historyOf(host.indexedDB()).add(topic, key);
        const written = { key, items: items.length };
        await cache.set(topic, JSON.stringify(written), { ttlMs: config.freshSeconds * 1000 });
        log.info("briefing written", { topic, items: items.length });
        return { ...written, fresh: true };
      },
    }),
    operation({
      config,
      id: "read",
      method: "GET",
      title: "Read a briefing",
      readOnly: true,
      uses: ["s3"],
      input: z.object({ topic }),
      output: z.object({ text: z.string() }),
      handler: async ({ topic }, { config, host }) => {
        try {
          const object = host.s3().object(config.bucket, `${encodeURIComponent(topic)}.md`);
          return { text: await object.text() };
        } catch (error) {
          if (error instanceof S3NotFoundError) throw new OperationError(404, { error: `nothing on "${topic}" yet` });
          throw error;
        }
      },
    }),
    operation({
      id: "topics",
      method: "GET",
      title: "List topics",
      description: "Topics there are briefings on, those written last first",
      readOnly: true,
      uses: ["indexedDB"],
      output: z.object({ topics: z.array(z.object({ topic: z.string(), writes: z.int(), last: z.string() })) }),
      handler: async (_input, { host }) => ({ topics: await historyOf(host.indexedDB()).latest() }),
    }),
  ],
});
