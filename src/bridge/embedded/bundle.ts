// Bundles a worker from source with esbuild, the way wrangler would, and names the result by its digest.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { basename, join, resolve } from "node:path";
import type { BuildFailure, BuildOptions, Message, OutputFile, Plugin } from "esbuild";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { missingFiles } from "./missing-files.ts";
import type { WorkerProject } from "./project.ts";
import { type EgressGuardModules, guardedEntry, waysOut } from "./ways-out.ts";

export interface WorkerBundle {
  /** The entry module, without source map. */
  readonly code: string;
  /** Source map of the code, as JSON. */
  readonly sourceMap: string;
  /** WebAssembly and binary files the code imports, by the name it imports them under. */
  readonly modules: readonly BundleModule[];
  /** `sha256:<64 hex>` over code and modules as they were bundled. */
  readonly digest: string;
  /** Size of code and modules, in bytes. */
  readonly bytes: number;
}

export interface BundleModule {
  readonly name: string;
  readonly type: "CompiledWasm" | "Data";
  readonly contents: Uint8Array;
}

/** Shown in one message; more would bury the first. */
const MAX_ERRORS_SHOWN = 5;
const NODE_FLAGS = new Set(["nodejs_compat", "nodejs_compat_v2", "nodejs_als"]);

/**
 * Puts the absolute path of each file it reads into `inputs`, also when it fails, and then of imported files that are not
 * there: whoever mends the fault changes one of them.
 *
 * With `guard` the bundle enforces sessions' egress policies itself, where nothing around it does.
 *
 * @throws BridgeError FAILED_PRECONDITION with file and line of each error in the sources.
 */
export async function bundleWorker(
  project: WorkerProject,
  inputs = new Set<string>(),
  guard?: EgressGuardModules,
): Promise<WorkerBundle> {
  const { build } = await import("esbuild");
  const modules: BundleModule[] = [];
  const node = project.config.compatibility_flags.some((flag) => NODE_FLAGS.has(flag));
  try {
    const result = await build({
      ...buildOptions(project, node),
      ...(guard === undefined ? {} : { entryPoints: [], stdin: guardedEntry(project, guard) }),
      plugins: [waysOut(project, guard), binaryModules(modules, inputs), nodeModules(node), filesRead(inputs)],
    });
    return toBundle(result.outputFiles, modules);
  } catch (error) {
    for (const file of missingFiles((error as Partial<BuildFailure>).errors ?? [], project.folder)) inputs.add(file);
    throw explain(error, project, node);
  }
}

function buildOptions({ folder, main, config, miniflare }: WorkerProject, node: boolean) {
  return {
    absWorkingDir: folder,
    entryPoints: [main],
    outfile: join(folder, "worker.js"),
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    // workerd is newer than every syntax that esbuild knows by year.
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*", ...(node ? ["node:*"] : [])],
    loader: { ".txt": "text", ".html": "text", ".sql": "text" },
    sourcemap: "external",
    keepNames: true,
    minify: config.minify ?? false,
    alias: config.alias ?? {},
    define: { "process.env.NODE_ENV": '"production"', ...miniflare.define },
    logLevel: "silent",
  } satisfies BuildOptions;
}

/** Wrangler's default rules for what is neither script nor text: imported as it is, under a name made of its content. */
function binaryModules(modules: BundleModule[], inputs: Set<string>): Plugin {
  return {
    name: "binary-modules",
    setup(build) {
      build.onResolve({ filter: /\.(wasm(\?module)?|bin)$/ }, async ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path.replace(/\?module$/, ""));
        inputs.add(file);
        const contents = await readFile(file);
        const name = `./${createHash("sha256").update(contents).digest("hex").slice(0, 16)}-${basename(file)}`;
        if (!modules.some((module) => module.name === name)) {
          modules.push({ name, type: file.endsWith(".wasm") ? "CompiledWasm" : "Data", contents });
        }
        return { path: name, external: true };
      });
    },
  };
}

/** With `nodejs_compat` workerd has Node's modules under their `node:` names only. */
function nodeModules(node: boolean): Plugin {
  const bare = builtinModules.filter((name) => !name.startsWith("_"));
  return {
    name: "node-modules",
    setup(build) {
      if (!node) return;
      build.onResolve({ filter: new RegExp(`^(${bare.join("|")})$`) }, ({ path }) => ({
        path: `node:${path}`,
        external: true,
      }));
    },
  };
}

/** A metafile would tell this only of a bundle that succeeds. */
function filesRead(inputs: Set<string>): Plugin {
  return {
    name: "files-read",
    setup(build) {
      build.onLoad({ filter: /.*/ }, ({ path }) => {
        inputs.add(path);
        return undefined;
      });
    },
  };
}

function toBundle(files: readonly OutputFile[], modules: readonly BundleModule[]): WorkerBundle {
  const code = files.find((file) => file.path.endsWith(".js"))?.text ?? "";
  const sourceMap = files.find((file) => file.path.endsWith(".map"))?.text ?? "";
  const hash = createHash("sha256").update(code);
  for (const { name, contents } of modules) hash.update(`\0${name}\0`).update(contents);
  return {
    code,
    sourceMap,
    modules,
    digest: `sha256:${hash.digest("hex")}`,
    bytes: Buffer.byteLength(code) + modules.reduce((sum, { contents }) => sum + contents.byteLength, 0),
  };
}

function explain(error: unknown, project: WorkerProject, node: boolean): unknown {
  const errors = (error as Partial<BuildFailure>).errors;
  if (!Array.isArray(errors) || errors.length === 0) return error;
  const shown = errors.slice(0, MAX_ERRORS_SHOWN).map(describe).join("; ");
  const more = errors.length > MAX_ERRORS_SHOWN ? `; and ${errors.length - MAX_ERRORS_SHOWN} more` : "";
  const hint =
    !node && errors.some(({ text }) => text.includes('"node:'))
      ? `; Node modules need compatibility_flags = ["nodejs_compat"] in ${project.configFile}`
      : "";
  return new BridgeError(GrpcCode.failedPrecondition, `cannot bundle ${project.folder}: ${shown}${more}${hint}`);
}

function describe({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`;
}
