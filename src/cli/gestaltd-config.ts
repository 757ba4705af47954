// The part of gestaltd's config that puts a project's providers to use: what `dev` prints and `build` writes beside them.
import { join } from "node:path";
import { stringify } from "yaml";
import type { ServedProvider } from "../gen/gestalt/edge/v1/edge_pb.ts";
import { wordsOf } from "./kinds.ts";
import { bridgeSource } from "./package.ts";

export interface GestaltdConfigOptions {
  readonly providers: readonly ServedProvider[];
  /** How the bridge finds the worker: `{project}`, or `{url, key}`. */
  readonly worker: Readonly<Record<string, unknown>>;
  /** Folder with one folder per provider, as `gestalt-edge build` writes it. */
  readonly manifests: string;
}

/** Name of the runtime provider in the printed config. */
const RUNTIME = "edge";

/** YAML text; every path in it is absolute. */
export function gestaltdConfig({ providers, worker, manifests }: GestaltdConfigOptions): string {
  const plugins = providers.filter(({ kind }) => wordsOf(kind).section === undefined);
  const sections: Record<string, Record<string, unknown>> = {};
  for (const { name, kind } of providers) {
    const { section, bridge } = wordsOf(kind);
    if (section === undefined) continue;
    sections[section] ??= {};
    sections[section][name] = {
      source: { path: bridgeSource(bridge) },
      config: { worker: { ...worker, provider: name } },
    };
  }
  const config = {
    ...(Object.keys(sections).length === 0 ? {} : { providers: sections }),
    ...(plugins.length === 0 ? {} : pluginParts(plugins, worker, manifests)),
  };
  return stringify(config, { lineWidth: 0 }).trimEnd();
}

function pluginParts(plugins: readonly ServedProvider[], worker: GestaltdConfigOptions["worker"], manifests: string) {
  const workers = Object.fromEntries(plugins.map(({ name }) => [name, { ...worker, provider: name }]));
  return {
    runtime: { providers: { [RUNTIME]: { source: { path: bridgeSource("runtime") }, config: { workers } } } },
    plugins: Object.fromEntries(
      plugins.map(({ name }) => [
        name,
        {
          source: { path: join(manifests, name, "manifest.yaml") },
          runtime: { provider: RUNTIME, template: name },
        },
      ]),
    ),
  };
}
