// The folder of one provider, for gestaltd: manifest.yaml, the schema of its config, and a plugin's catalog.yaml.
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { stringify } from "yaml";
import { BRIDGE_KINDS } from "../bridge/kinds.ts";
import type { Target } from "../bridge/target/target.ts";
import type { ServedProvider } from "../gen/gestalt/edge/v1/edge_pb.ts";
import { IntegrationProvider } from "../gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind } from "../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { catalogDocument } from "../wire/catalog-document.ts";
import { type ManifestKind, manifestDocument } from "../wire/manifest-document.ts";
import { configSchemaOf } from "./config-schema.ts";
import { CliError } from "./errors.ts";
import { wordsOf } from "./kinds.ts";
import { bridgeFile } from "./package.ts";
import { workerClient } from "./worker-client.ts";

export interface ProviderFolderOptions {
  /** Folder that gets a folder of the provider's name. */
  readonly out: string;
  readonly project: string;
  /** Name of the worker. */
  readonly worker: string;
  readonly provider: ServedProvider;
  /** The running worker. */
  readonly target: Target;
}

const CATALOG = "catalog.yaml";
const CONFIG_SCHEMA = "config.schema.json";

export async function writeProviderFolder(options: ProviderFolderOptions): Promise<void> {
  const { out, provider } = options;
  const folder = join(out, provider.name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const start = await (provider.kind === ProviderKind.INTEGRATION ? writeCatalog : copyBridge)(folder, options);
  const schema = configSchemaOf(provider);
  if (schema !== undefined) await writeFile(join(folder, CONFIG_SCHEMA), `${JSON.stringify(schema, null, 2)}\n`);
  const { displayName, description } = provider;
  const manifest = manifestDocument({
    kind: wordsOf(provider.kind).manifest as ManifestKind,
    source: await sourceOf(options),
    version: provider.version,
    ...(displayName === "" ? {} : { displayName }),
    ...(description === "" ? {} : { description }),
    artifacts: [{ path: start.artifactPath }],
    entrypoint: start,
    ...(schema === undefined ? {} : { configSchemaPath: CONFIG_SCHEMA }),
  });
  await writeFile(join(folder, "manifest.yaml"), stringify(manifest, { lineWidth: 0 }));
}

interface Entrypoint {
  readonly artifactPath: string;
  readonly args?: readonly string[];
}

/**
 * A plugin is hosted by the runtime kind and its artifact never runs, but gestaltd wants one that exists: the catalog
 * itself will do.
 */
async function writeCatalog(folder: string, { provider, target }: ProviderFolderOptions): Promise<Entrypoint> {
  const { staticCatalog } = await workerClient(target, IntegrationProvider, { provider: provider.name }).getMetadata(
    {},
  );
  if (staticCatalog === undefined || staticCatalog.operations.length === 0)
    throw new CliError({
      what: `The plugin "${provider.name}" has no operation, and gestaltd refuses a plugin without any`,
      where: `definePlugin of "${provider.name}"`,
      fix: "Give it at least one operation",
    });
  const document = { name: provider.name, ...catalogDocument(staticCatalog) };
  await writeFile(join(folder, CATALOG), stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }));
  return { artifactPath: CATALOG };
}

/** gestaltd starts the bridge itself for every other kind, and copies exactly one file. */
async function copyBridge(folder: string, { provider }: ProviderFolderOptions): Promise<Entrypoint> {
  const file = bridgeFile();
  // copyFile keeps the mode, so the copy can be executed too.
  await copyFile(file, join(folder, basename(file))).catch(() => {
    throw new CliError({ what: "The bridge has not been built", where: file, fix: "In a clone, run: npm run build" });
  });
  return { artifactPath: basename(file), args: [wordsOf(provider.kind).bridge] };
}

/** Host and owner of sources that no repository is known for; `.invalid` is no domain anyone can have (RFC 2606). */
const NO_REPOSITORY = "gestalt-edge.invalid/local";
const REPOSITORY = /(?:^|[/@])([a-z0-9-]+(?:\.[a-z0-9-]+)+)[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?$/i;

/** gestaltd's identity of a provider, `host/owner/repo/path`: from the repository that package.json names. */
async function sourceOf({ project, worker, provider }: ProviderFolderOptions): Promise<string> {
  const text = await readFile(join(project, "package.json"), "utf8").catch(() => "{}");
  const { repository } = JSON.parse(text) as { repository?: string | { url?: string } };
  const [, host, path] = REPOSITORY.exec((typeof repository === "string" ? repository : repository?.url) ?? "") ?? [];
  const base = host === undefined ? `${NO_REPOSITORY}/${worker}` : `${host}/${path}`;
  const { source } = BRIDGE_KINDS.find(({ kind }) => kind === provider.kind) ?? {};
  return `${base}/${provider.name}${source === undefined ? "" : `/${source}`}`.toLowerCase();
}
