// dist/gestalt-edge-bridge.mjs: the bridge as one executable file, because gestaltd copies exactly one.
import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { comment } from "./part-comment.ts";

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

const OPTIONS = {
  bundle: true,
  platform: "node",
  target: "node22.12",
  // Names stay: they are what a stack in a log line is read by.
  minifyWhitespace: true,
  minifySyntax: true,
  // What an `import()` names stays unevaluated until then: undici, jose and zod come after the socket is open.
  logLevel: "warning",
} as const satisfies BuildOptions;

export async function buildBridge(root: string, dist: string): Promise<BuiltBridge> {
  const path = join(dist, BRIDGE_FILE);
  const [supervisor, work, traces] = await Promise.all([bundleSupervisor(root), bundleWork(root), bundleTraces(root)]);
  // Put in place whole: it may be started while it is being built.
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, supervisor + comment("The working process", work) + comment("Traces, packed", pack(traces)));
  chmodSync(draft, 0o755);
  renameSync(draft, path);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return { path, contents: readFileSync(path), version };
}

/** All processes hold the file's text, also those that have no use for this part of it: packed it is less than a third. */
function pack(code: string): string {
  return brotliCompressSync(code).toString("base64");
}

/** What runs in both processes: src/bridge/main.ts, which finds the rest by load-work.ts. */
function bundleSupervisor(root: string): Promise<string> {
  return bundle({
    ...OPTIONS,
    absWorkingDir: root,
    entryPoints: ["src/bridge/main.ts"],
    format: "esm",
    banner: { js: "#!/usr/bin/env node" },
    plugins: [standIn(/\/work\.ts$/, join(root, "scripts/build/load-work.ts"))],
  });
}

/** All the rest, as a function body: that is what `load-part.ts` can run without a file. */
function bundleWork(root: string): Promise<string> {
  return bundle({
    ...OPTIONS,
    absWorkingDir: root,
    entryPoints: ["src/bridge/work.ts"],
    format: "cjs",
    legalComments: "eof",
    plugins: [standIn(/\/exporting\.ts$/, join(root, "scripts/build/load-exporting.ts"))],
  });
}

/** OpenTelemetry's SDK and what uses it. */
function bundleTraces(root: string): Promise<string> {
  return bundle({
    ...OPTIONS,
    // Next to nothing of ours is in it, and of theirs nobody needs to read a stack.
    minifyIdentifiers: true,
    absWorkingDir: root,
    entryPoints: ["src/bridge/tracing/exporting.ts"],
    format: "cjs",
    legalComments: "eof",
    // Of what is there as modules too, esbuild leaves out what is not used: more than half.
    mainFields: ["module", "main"],
    plugins: [withoutProtoLoader],
  });
}

/** grpc-js would load it for services that describe the client itself, which nobody asks for: 190 KiB of parsers. */
const withoutProtoLoader: Plugin = {
  name: "without-proto-loader",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ path }) => ({ path, namespace: "left-out" }));
    onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "export {};" }));
  },
};

/** A module that loads another part stands for its first one. */
function standIn(module: RegExp, loader: string): Plugin {
  return {
    name: "stand-in",
    setup: ({ onResolve }) =>
      onResolve({ filter: module }, ({ kind }) => (kind === "dynamic-import" ? { path: loader } : null)),
  };
}

async function bundle(options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({ ...options, write: false });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild wrote nothing");
  return output.text;
}
