// The ready-made providers are written against what authors have: of this repository they import the public API and each other's
// parts, and nothing else. So whoever copies one has something that works.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { it } from "node:test";

const SOURCE = join(import.meta.dirname, "../../src");
const API = "worker/index.ts";

/** What else they may import. The object store has its routes and sizes in common with the bridge's uploads. */
const ALLOWED: Readonly<Record<string, RegExp>> = { "s3-r2": /^wire\// };

const files = readdirSync(join(SOURCE, "providers"), { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

it("import of this repository nothing but its public API", () => {
  assert.ok(files.length > 100, "all of them are looked at");
  const others = files.flatMap((file) => {
    const [folder = ""] = file.split("/");
    return importsOf(join(SOURCE, "providers", file))
      .filter((path) => path !== API && !path.startsWith("providers/") && !ALLOWED[folder]?.test(path))
      .map((path) => `${file}: ${path}`);
  });
  assert.deepEqual(others, []);
});

/** Relative imports of a module, by their paths in src. */
function importsOf(file: string): string[] {
  const found = readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]*)"/g);
  return Array.from(found, ([, path = ""]) => relative(SOURCE, join(dirname(file), path)));
}
