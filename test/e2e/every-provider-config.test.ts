// examples/gestaltd without a gestaltd: what its config names is there, and of the kind that the config has it for.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { parse } from "yaml";
import { cli, copyExample } from "../cli/cli.ts";
import { atEnd } from "../support/bridge-process.ts";

interface Entry {
  readonly source: { readonly path: string };
  readonly config: { readonly worker: { readonly project: string; readonly provider: string } };
}
interface Config {
  readonly providers: Readonly<Record<string, Readonly<Record<string, Entry>>>>;
  readonly plugins: Readonly<Record<string, { readonly source: { readonly path: string } }>>;
}

/** The kinds whose word in a manifest is not that of gestaltd's config. */
const MANIFEST_KINDS: Readonly<Record<string, string>> = { externalCredentials: "external_credentials" };

it("examples/gestaltd names providers that its workers serve, and manifests that are there", async (t) => {
  const { folder, remove } = await copyExample("gestaltd");
  atEnd(t, remove);
  const yaml = async (path: string) => parse(await readFile(join(folder, path), "utf8"));
  const served = new Map<string, string>();
  for (const project of ["providers", "notes"]) {
    const built = await cli(["build", project, "--json"], { cwd: folder });
    assert.equal(built.code, 0, built.stderr);
    for (const { name, kind } of JSON.parse(built.stdout).providers) served.set(`${project}/${name}`, kind);
  }
  const { providers, plugins }: Config = await yaml("gestaltd.yaml");
  const named = new Map<string, string>();
  for (const [section, entries] of Object.entries(providers)) {
    const kind = MANIFEST_KINDS[section] ?? section;
    for (const { source, config } of Object.values(entries)) {
      assert.equal((await yaml(source.path)).kind, kind);
      named.set(join(config.worker.project, config.worker.provider), kind);
    }
  }
  for (const [name, { source }] of Object.entries(plugins))
    named.set(`${name}/${name}`, (await yaml(source.path)).kind);
  assert.deepEqual([...named].sort(), [...served].sort(), "all that is served is used");
});
