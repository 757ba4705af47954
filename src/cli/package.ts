// Where this package lies and what it is called, whether it runs from dist/lib or from src.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root folder of the gestalt-edge package: the nearest one above this file with a package.json. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string }).version;
}

/** The one-file bridge that gestaltd starts; made by `npm run build` in a clone, part of the published package. */
export function bridgeFile(): string {
  return join(packageRoot(), "dist", "gestalt-edge-bridge.mjs");
}

/** What `source: {path: …}` of gestaltd's config names to start the bridge as a kind: `runtime`, `cache`, `s3`. */
export function bridgeSource(kind: string): string {
  // gestaltd starts no runtime from a plain manifest, only from a release.
  return join(packageRoot(), "dist", kind, kind === "runtime" ? "provider-release.yaml" : "manifest.yaml");
}
