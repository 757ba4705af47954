// dist/gestalt-edge-bridge.mjs: the bridge as one executable file, because gestaltd copies exactly one.
import { chmodSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

export interface BuiltBridge {
  readonly path: string;
  readonly contents: Buffer;
  /** Version of the package. */
  readonly version: string;
}

/**
 * Its name ends in `.mjs` everywhere: a package.json above the copy that gestaltd makes decides what a file without that
 * ending is, and `npm init` writes `"type": "commonjs"`.
 */
export const BRIDGE_FILE = "gestalt-edge-bridge.mjs";

/** undici is CommonJS and asks for Node's modules by `require`, which modules do not have. */
const BANNER = [
  "#!/usr/bin/env node",
  'import { createRequire as __createRequire } from "node:module";',
  "const require = __createRequire(import.meta.url);",
].join("\n");

export async function buildBridge(root: string, dist: string): Promise<BuiltBridge> {
  const path = join(dist, BRIDGE_FILE);
  // Put in place whole: it may be started while it is being built.
  const draft = `${path}.${process.pid}`;
  await build({
    absWorkingDir: root,
    entryPoints: ["src/bridge/main.ts"],
    outfile: draft,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22.12",
    banner: { js: BANNER },
    // Names stay: they are what a stack in a log line is read by.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "eof",
    // What an `import()` names stays unevaluated until then: undici, jose and zod come after the socket is open.
    logLevel: "warning",
  });
  chmodSync(draft, 0o755);
  renameSync(draft, path);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return { path, contents: readFileSync(path), version };
}
