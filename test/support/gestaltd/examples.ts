// The examples as a gestaltd's config names them, and the site that examples/search searches.
import { execFile } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "..", "..", "..");

/** Our provider of a kind, as an entry's `source`. */
export function bridge(kind: string) {
  const file = kind === "runtime" ? "provider-release.yaml" : "manifest.yaml";
  return { path: join(repository, "dist", kind, file) };
}

/** The `worker` of an entry: a project of this repository, embedded, with its data and its node below `folder`. */
export function worker(folder: string, project: string) {
  return { project: join(repository, project), state: stateOf(folder, project) };
}

/** Where the node of a project says who it is. */
export function stateOf(folder: string, project: string): string {
  return join(folder, "state", project.replaceAll("/", "-"));
}

/** Writes what `gestalt-edge build` writes for a project; answers where the manifest of one of its plugins is. */
export async function buildPlugin(folder: string, project: string, plugin: string): Promise<string> {
  const out = join(folder, "build", project.replaceAll("/", "-"));
  const command = join(repository, "dist", "lib", "cli", "main.js");
  await run("node", [command, "build", project, "--out", out], { cwd: repository });
  return join(out, plugin, "manifest.yaml");
}

export interface Site {
  readonly port: number;
  /** `Host` header and path of each request so far. */
  readonly requests: readonly string[];
  close(): void;
}

/** Serves a JSON Feed at any path, on every loopback address. */
export async function serveSite(): Promise<Site> {
  const requests: string[] = [];
  const server = http.createServer(({ headers, url }, response) => {
    requests.push(`${headers.host}${url}`);
    response.setHeader("content-type", "application/feed+json");
    response.end(JSON.stringify(FEED));
  });
  server.listen(0);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, requests, close: () => server.close() };
}

const FEED = {
  version: "https://jsonfeed.org/version/1.1",
  title: "A feed",
  items: [{ id: "1", url: "https://example.com/1", title: "Life at the edge", content_text: "Near the people." }],
};
