// Size of the smallest plugin's bundle, which every cold start loads and every deploy uploads.
import { gzipSync } from "node:zlib";
import { bundle } from "../../test/support/worker-harness.ts";
import { printTable } from "../table.ts";
import type { Reached } from "../targets.ts";

export async function bundleGroup(): Promise<Reached[]> {
  const rows = [];
  for (const name of ["one-operation", "one-operation-mini"]) {
    const code = await bundle(new URL(`../workers/${name}.worker.ts`, import.meta.url), true);
    rows.push({
      worker: name,
      "minified kB": code.length / 1000,
      "gzip kB": gzipSync(code, { level: 9 }).length / 1000,
    });
  }
  printTable("bundles", rows);
  return [{ what: "gzip kB of a one-operation plugin (zod)", value: rows[0]?.["gzip kB"] ?? Number.NaN, atMost: 80 }];
}
