// Builds dist/: the library (tsc), the bridge as one file (esbuild), and the folders gestaltd starts bridges from.
// Does nothing when nothing it reads has changed.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBridge } from "./build/bridge.ts";
import { linkCommand } from "./build/command-link.ts";
import { inputDigest } from "./build/inputs.ts";
import { buildLibrary } from "./build/library.ts";
import { writeProviderFolders } from "./build/provider-folders.ts";
import { writeRuntimeRelease } from "./build/runtime-release.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
// Not in dist/, which is published.
const stamp = join(root, "node_modules", ".gestalt-edge-build");

const digest = inputDigest(root);
const forced = process.argv.includes("--force");
const complete = existsSync(join(dist, "lib")) && existsSync(stamp);
if (!forced && complete && readFileSync(stamp, "utf8") === digest) {
  process.stdout.write("dist/ is up to date\n");
} else {
  await build();
}

async function build(): Promise<void> {
  const started = performance.now();
  rmSync(stamp, { force: true });
  mkdirSync(dist, { recursive: true });
  const library = buildLibrary(root);
  const bridge = await buildBridge(root, dist);
  writeProviderFolders(dist, bridge);
  writeRuntimeRelease(dist, bridge);
  const errors = await library;
  if (errors !== "") {
    process.stderr.write(`${errors}\nThe library has type errors; dist/lib stays as it was.\n`);
    process.exitCode = 1;
    return;
  }
  linkCommand(root);
  writeFileSync(stamp, digest);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`built dist/ in ${seconds} s (bridge ${Math.round(bridge.contents.byteLength / 1024)} KiB)\n`);
}
