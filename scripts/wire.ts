// `npm run wire`: builds the image of proto/ and compares it with the table of facts; exits 1 on any difference.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "gestalt-edge-wire-"));
const image = join(folder, "image.json");
try {
  run("buf", ["build", "-o", image]);
  run("node", ["scripts/wire-table.mjs", image, "--against", "proto/gestalt.provider.v1.tsv"]);
} finally {
  rmSync(folder, { recursive: true });
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) process.exitCode = 1;
}
