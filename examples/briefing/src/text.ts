// A briefing as text.
import * as z from "zod";

const found = z.object({ items: z.array(z.object({ title: z.string(), url: z.string().optional() })) });

export type FoundItem = z.infer<typeof found>["items"][number];

/** What the other plugin answered. Throws when it is not what `examples/search` answers. */
export function foundItems(answer: unknown): FoundItem[] {
  return found.parse(answer).items;
}

/** Markdown. */
export function briefingText(topic: string, items: readonly FoundItem[]): string {
  const lines = items.map(({ title, url }) => (url === undefined ? `- ${title}` : `- [${title}](${url})`));
  return [`# ${topic}`, "", ...(lines.length === 0 ? ["Nothing was found."] : lines), ""].join("\n");
}
