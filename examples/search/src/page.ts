// What a page says of itself, read with HTMLRewriter while it streams past: no page is ever held whole.
import { OperationError } from "gestalt-edge";
import * as z from "zod";
import { fetchFromSite } from "./site.ts";

export const pageSummary = z.object({
  title: z.string(),
  description: z.string(),
  headings: z.array(z.string()),
  /** Absolute addresses, each once, in the order of the page. */
  links: z.array(z.string()),
});

export type PageSummary = z.infer<typeof pageSummary>;

/** The first so many links; a site map could have thousands. */
const MAX_LINKS = 200;

export async function readPage(url: URL, signal: AbortSignal): Promise<PageSummary> {
  const response = await fetchFromSite(url, "text/html", signal);
  if (!(response.headers.get("content-type") ?? "").startsWith("text/html")) {
    await response.body?.cancel();
    throw new OperationError(502, { error: `${url.pathname} is no HTML page` });
  }
  const texts = { title: [""], headings: [] as string[] };
  let description = "";
  const links = new Set<string>();
  const rewriter = new HTMLRewriter()
    .on("head > title", { text: ({ text }) => appendTo(texts.title, text) })
    .on('meta[name="description"]', {
      element: (meta) => {
        description = meta.getAttribute("content") ?? "";
      },
    })
    .on("h1, h2", { element: () => void texts.headings.push(""), text: ({ text }) => appendTo(texts.headings, text) })
    .on("a[href]", {
      element: (anchor) => {
        const target = URL.parse(anchor.getAttribute("href") ?? "", url.href);
        if (target !== null && links.size < MAX_LINKS) links.add(target.href);
      },
    });
  await rewriter.transform(response).body?.pipeTo(new WritableStream());
  return {
    title: clean(texts.title[0] ?? ""),
    description: clean(description),
    headings: texts.headings.map(clean).filter(Boolean),
    links: [...links],
  };
}

/** HTMLRewriter gives a text in pieces; they belong to the element that opened last. */
function appendTo(texts: string[], piece: string): void {
  texts[texts.length - 1] = (texts.at(-1) ?? "") + piece;
}

function clean(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
