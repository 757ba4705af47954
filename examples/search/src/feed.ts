// JSON Feed (jsonfeed.org, version 1.1): the parts that are read here, and how items are found in it.
import { OperationError } from "gestalt-edge";
import * as z from "zod";
import { fetchFromSite } from "./site.ts";

export const feedItem = z.object({
  id: z.string(),
  url: z.string().optional(),
  title: z.string(),
  /** RFC 3339. */
  published: z.string().optional(),
  text: z.string(),
});

export type FeedItem = z.infer<typeof feedItem>;

const jsonFeed = z.object({
  version: z.string().startsWith("https://jsonfeed.org/version/1"),
  items: z.array(
    z.object({
      id: z.coerce.string(),
      url: z.string().optional(),
      title: z.string().default("(untitled)"),
      content_text: z.string().default(""),
      date_published: z.string().optional(),
    }),
  ),
});

/** The items of a feed, the newest first. */
export async function readFeed(url: URL, signal: AbortSignal): Promise<FeedItem[]> {
  const response = await fetchFromSite(url, "application/feed+json, application/json", signal);
  const feed = jsonFeed.safeParse(await response.json().catch(() => undefined));
  if (!feed.success) throw new OperationError(502, { error: `${url.pathname} is no JSON Feed` });
  return feed.data.items
    .map(({ content_text: text, date_published: published, ...item }) => ({ ...item, published, text }))
    .sort((a, b) => (b.published ?? "").localeCompare(a.published ?? ""));
}

/** Items that have every word of the query in title or text, in any case. */
export function matches(items: readonly FeedItem[], query: string): FeedItem[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter((item) => {
    const text = `${item.title} ${item.text}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
