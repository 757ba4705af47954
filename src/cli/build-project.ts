// Builds a project: bundles it, runs the worker to learn what it serves, writes the output folder.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { bundleWorker, type WorkerBundle } from "../bridge/embedded/bundle.ts";
import { readProject, type WorkerProject } from "../bridge/embedded/project.ts";
import { egressGuard } from "../bridge/embedded/ways-out.ts";
import { WorkerService } from "../gen/gestalt/edge/v1/edge_pb.ts";
import { BUNDLE_LIMITS, type BundleSize, bundleSize } from "./bundle-size.ts";
import { channelWarning } from "./channel-warning.ts";
import { CliError } from "./errors.ts";
import { wordsOf } from "./kinds.ts";
import { minified } from "./minify.ts";
import { writeProviderFolder } from "./provider-folder.ts";
import { withTemporaryWorker } from "./temporary-worker.ts";
import type { Terminal } from "./terminal.ts";
import { bytes } from "./units.ts";
import { workerClient } from "./worker-client.ts";
import { deployConfig } from "./wrangler-config.ts";

export interface Built {
  /** Absolute path of the output folder. */
  readonly out: string;
  /** Name of the worker. */
  readonly worker: string;
  readonly digest: string;
  readonly size: BundleSize;
  readonly providers: readonly BuiltProvider[];
  /** What the build may lack, in a sentence each. */
  readonly warnings: readonly string[];
  /** Path of the wrangler config in the output folder. */
  readonly configFile: string;
}

export interface BuiltProvider {
  readonly name: string;
  /** As manifests say it. */
  readonly kind: string;
  readonly version: string;
  /** Folder with its manifest. */
  readonly folder: string;
}

export interface BuildProjectOptions {
  /** Real path of the project's folder. */
  readonly project: string;
  /** Output folder, relative to the project. */
  readonly out: string;
  /** The worker enforces egress policies itself. */
  readonly guardEgress: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

export async function buildProject(options: BuildProjectOptions): Promise<Built> {
  const { project: folder, out: outOption, terminal, signal } = options;
  const out = resolve(folder, outOption);
  terminal.progress("Bundling …");
  const project = await readProject(folder);
  const sources = await bundled(project, options.guardEgress);
  // What the wrangler file says of it was done while bundling.
  const bundle = project.config.minify === undefined ? await minified(sources) : sources;
  const size = await bundleSize(bundle);
  if (size.gzip > BUNDLE_LIMITS.paid)
    throw new CliError({
      what: `As gzip the bundle is ${bytes(size.gzip)}, and Cloudflare takes ${bytes(BUNDLE_LIMITS.paid)} at most`,
      where: project.main,
      fix: "Find the large dependency and replace it, or load data from R2 or KV instead of bundling it",
    });
  await writeBundle(out, bundle);
  const config = { configFile: project.configFile, name: project.name, digest: bundle.digest, out };
  const configFile = join(out, "wrangler.json");
  await writeJson(configFile, await deployConfig({ ...config, hasModules: bundle.modules.length > 0 }));
  signal.throwIfAborted();
  terminal.progress("Asking the worker what it serves …");
  const { providers, warnings } = await withTemporaryWorker(folder, async (target) => {
    const described = await workerClient(target, WorkerService).describe({});
    for (const provider of described.providers)
      await writeProviderFolder({ out, project: folder, worker: project.name, provider, target });
    signal.throwIfAborted();
    const providers = described.providers.map(({ name, kind, version }) => {
      return { name, kind: wordsOf(kind).manifest, version, folder: join(out, name) };
    });
    const warning = channelWarning(described);
    return { providers, warnings: warning === undefined ? [] : [warning] };
  });
  return { out, worker: project.name, digest: bundle.digest, size, providers, warnings, configFile };
}

/** The digest names what the project is, guarded or not: an embedded worker needs no guard inside, and must match a pin too. */
async function bundled(project: WorkerProject, guardEgress: boolean): Promise<WorkerBundle> {
  const plain = await bundleWorker(project);
  if (!guardEgress) return plain;
  const { digest } = plain;
  return { ...(await bundleWorker(project, undefined, egressGuard(project))), digest };
}

async function writeBundle(out: string, { code, sourceMap, modules }: WorkerBundle): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "worker.js"), `${code}\n//# sourceMappingURL=worker.js.map\n`);
  await writeFile(join(out, "worker.js.map"), sourceMap);
  for (const { name, contents } of modules) {
    await mkdir(dirname(join(out, name)), { recursive: true });
    await writeFile(join(out, name), contents);
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
