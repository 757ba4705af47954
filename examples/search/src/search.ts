// The plugin: its config and its three operations. What they do with the site is in feed.ts and page.ts.
import { definePlugin, OperationError, operation } from "gestalt-edge";
import * as z from "zod";
import { feedItem, matches, readFeed } from "./feed.ts";
import { pageSummary, readPage } from "./page.ts";
import { siteUrl } from "./site.ts";

const config = z.object({
  /** Where the site is; every path below is relative to it. */
  baseUrl: z.url({ protocol: /^https?$/ }),
  feedPath: z.string().default("/feed.json"),
});

export const search = definePlugin({
  displayName: "Site search",
  description: "Finds and reads what a site publishes",
  version: "1.0.0",
  config,
  operations: [
    operation({
      config,
      id: "find",
      method: "GET",
      title: "Find items",
      description: "Items of the site's feed that have every word of the query, the newest first",
      readOnly: true,
      input: z.object({
        query: z.string().min(2).describe("Words to look for in title and text"),
        limit: z.int().min(1).max(50).default(10).describe("Most items to return"),
      }),
      output: z.object({ total: z.int(), items: z.array(feedItem.omit({ text: true })) }),
      handler: async ({ query, limit }, { config, signal }) => {
        const found = matches(await readFeed(siteUrl(config.baseUrl, config.feedPath), signal), query);
        return { total: found.length, items: found.slice(0, limit) };
      },
    }),
    operation({
      config,
      id: "item",
      method: "GET",
      title: "Read an item",
      description: "One item of the feed with its text",
      readOnly: true,
      input: z.object({ id: z.string().min(1) }),
      output: feedItem,
      handler: async ({ id }, { config, signal }) => {
        const items = await readFeed(siteUrl(config.baseUrl, config.feedPath), signal);
        const item = items.find((candidate) => candidate.id === id);
        if (item === undefined) throw new OperationError(404, { error: `the feed has no item "${id}"` });
        return item;
      },
    }),
    operation({
      config,
      id: "page",
      method: "GET",
      title: "Summarise a page",
      description: "Title, description, headings and links of a page of the site",
      readOnly: true,
      input: z.object({ path: z.string().startsWith("/").default("/") }),
      output: pageSummary,
      handler: ({ path }, { config, signal }) => readPage(siteUrl(config.baseUrl, path), signal),
    }),
  ],
});
