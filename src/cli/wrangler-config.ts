// The wrangler config of a build: the project's own, with the bundle in place of the sources and its name and digest added.
import { dirname, relative, resolve } from "node:path";
import type { Unstable_RawConfig } from "wrangler";
import { DIGEST_BINDING, NAME_BINDING } from "../wire/bindings.ts";

export interface DeployConfigOptions {
  /** The project's wrangler file. */
  readonly configFile: string;
  readonly name: string;
  readonly digest: string;
  /** Folder the new file will lie in. */
  readonly out: string;
  /** The bundle imports WebAssembly or data files that lie beside it. */
  readonly hasModules: boolean;
}

/** Keys that say how wrangler bundles; the bundle is made already. */
const BUNDLING_KEYS = ["$schema", "alias", "base_dir", "build", "define", "minify", "rules", "tsconfig"] as const;

export async function deployConfig(options: DeployConfigOptions): Promise<Record<string, unknown>> {
  const { configFile, name, digest, out, hasModules } = options;
  const { experimental_readRawConfig } = await import("wrangler");
  const { rawConfig } = experimental_readRawConfig({ config: configFile }) as { rawConfig: Unstable_RawConfig };
  // The map is uploaded unless the project says otherwise: with it Cloudflare shows stacks in terms of the sources.
  const config: Record<string, unknown> = {
    upload_source_maps: true,
    ...rawConfig,
    main: "worker.js",
    no_bundle: true,
  };
  for (const key of BUNDLING_KEYS) delete config[key];
  if (hasModules) config.find_additional_modules = true;
  const move = (path: string) => relative(out, resolve(dirname(configFile), path));
  movePaths(config, move);
  addVariables(config, name, digest);
  for (const [environment, settings] of Object.entries(rawConfig.env ?? {})) {
    // Wrangler's own rule for the name of a Worker in an environment.
    const own = (settings as { name?: string }).name ?? `${name}-${environment}`;
    const copy: Record<string, unknown> = { ...settings };
    movePaths(copy, move);
    addVariables(copy, own, digest);
    config.env = { ...(config.env as object), [environment]: copy };
  }
  return config;
}

/** The variables the worker checks session tokens and pinned digests against. */
function addVariables(config: Record<string, unknown>, name: string, digest: string): void {
  config.vars = { ...(config.vars as object | undefined), [NAME_BINDING]: name, [DIGEST_BINDING]: digest };
}

/** Paths in a wrangler file start from its own folder. */
function movePaths(config: Record<string, unknown>, move: (path: string) => string): void {
  const assets = config.assets as { directory?: string } | undefined;
  if (assets?.directory !== undefined) config.assets = { ...assets, directory: move(assets.directory) };
  const databases = config.d1_databases as readonly { migrations_dir?: string }[] | undefined;
  if (databases !== undefined)
    config.d1_databases = databases.map((database) => ({
      ...database,
      migrations_dir: move(database.migrations_dir ?? "migrations"),
    }));
}
