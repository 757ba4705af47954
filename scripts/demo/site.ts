// A small web site on this machine, so that the plugin of the demo has something to fetch without a network.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

const FEED = {
  version: "https://jsonfeed.org/version/1.1",
  title: "Harbour notes",
  items: [
    item("1", "2026-03-02", "Tide tables for the spring", "High water is half an hour earlier at the north pier."),
    item("2", "2026-04-11", "The north pier is open again", "Boats of up to nine metres may moor overnight."),
    item("3", "2026-05-20", "A new light on the breakwater", "It shows green to seaward and white to the harbour."),
    item("4", "2026-06-07", "Summer regatta", "Four classes, two courses, one tide. The pier closes at noon."),
  ],
};

const PAGE = `<!doctype html>
<html lang="en">
<head><title>Harbour notes</title><meta name="description" content="Notices for those who sail from here"></head>
<body><h1>Harbour notes</h1><h2>Notices</h2>
<p><a href="/notices/4">Summer regatta</a> <a href="/feed.json">Feed</a></p></body>
</html>`;

/** Serves the feed, one page, and 404 for the rest, on a free port of the loopback interface. */
export async function startSite(): Promise<Site> {
  const pages: Readonly<Record<string, readonly [type: string, body: string]>> = {
    "/feed.json": ["application/feed+json", JSON.stringify(FEED)],
    "/": ["text/html; charset=utf-8", PAGE],
  };
  const server = createServer((request, response) => {
    const page = pages[request.url ?? ""];
    if (page === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": page[0] }).end(page[1]);
  });
  await new Promise<void>((resolve, reject) => server.on("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function item(id: string, day: string, title: string, text: string) {
  return { id, url: `/notices/${id}`, title, content_text: text, date_published: `${day}T08:00:00Z` };
}
