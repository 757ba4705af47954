// `gestalt-edge build`: the bundle, a wrangler config that deploys exactly it, and a folder per provider for gestaltd.

import type { Built } from "./build-project.ts";
import { BUNDLE_LIMITS } from "./bundle-size.ts";
import { defineCommand } from "./command.ts";
import { ExitCode } from "./errors.ts";
import { projectFolder } from "./project-folder.ts";
import { alignColumns, type Terminal } from "./terminal.ts";
import { bytes } from "./units.ts";

export const BUILD_OPTIONS = {
  out: { type: "string", short: "o", value: "FOLDER", default: "dist", help: "Output folder, relative to the project" },
  "guard-egress": { type: "boolean", help: "Have the worker keep sessions to the hosts gestaltd allows them" },
} as const;

export const build = defineCommand({
  name: "build",
  operands: ["[project]"],
  about: [
    "Bundles the Worker and writes, into the output folder:",
    "  worker.js       the bundle, with its source map",
    "  wrangler.json   the project's wrangler config, made to deploy exactly this bundle",
    "  NAME/           for each provider: manifest.yaml, config.schema.json, and a plugin's catalog.yaml",
    "Prints the size of the bundle against Cloudflare's limits; a bundle that no plan takes is an error.",
  ].join("\n"),
  options: BUILD_OPTIONS,
  examples: ["gestalt-edge build", "gestalt-edge build ./search --out ../out --json"],
  run: async ({ values, positionals: [folder = "."], terminal, signal }) => {
    terminal.data(await builtAsAsked(await projectFolder(folder), { values, terminal, signal }));
    return ExitCode.ok;
  },
});

interface BuildRun {
  /** Of {@link BUILD_OPTIONS}. */
  readonly values: { readonly out: string; readonly "guard-egress": boolean };
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Builds the project at a real path, and prints what came of it. */
export async function builtAsAsked(project: string, { values, terminal, signal }: BuildRun): Promise<Built> {
  const { buildProject } = await import("./build-project.ts");
  const { out, "guard-egress": guardEgress } = values;
  const built = await buildProject({ project, out, guardEgress, terminal, signal });
  printBuilt(built, terminal);
  return built;
}

function printBuilt({ out, size, digest, providers, warnings }: Built, terminal: Terminal): void {
  const { print, note, paint } = terminal;
  print(`${paint("bold", "built")} ${out}`);
  const rows = [
    [
      "  bundle",
      `${bytes(size.raw)}, ${bytes(size.gzip)} as gzip (limit ${bytes(BUNDLE_LIMITS.free)} free, ${bytes(BUNDLE_LIMITS.paid)} paid)`,
    ],
    ["  digest", digest],
    ...providers.map(({ name, kind, version }) => [`  ${name}`, `${kind} ${version}`]),
  ];
  for (const line of alignColumns(rows)) print(line);
  if (size.gzip > BUNDLE_LIMITS.free)
    note(`warning: as gzip the bundle is over ${bytes(BUNDLE_LIMITS.free)}: only paid plans take it`);
  for (const warning of warnings) note(`warning: ${warning}`);
}
