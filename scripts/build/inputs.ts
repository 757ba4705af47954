// One digest over everything a build reads.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["src", "scripts/build"];
const FILES = [
  "scripts/build.ts",
  "package.json",
  "package-lock.json",
  "tsconfig.base.json",
  "tsconfig.worker.json",
  "tsconfig.node.json",
  "tsconfig.build.worker.json",
  "tsconfig.build.node.json",
];

export function inputDigest(root: string): string {
  const hash = createHash("sha256");
  for (const file of [...FILES, ...FOLDERS.flatMap((folder) => filesIn(root, folder))]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}
