// Makes a fresh clone ready: installs what the lock file names, then checks that a new enough Node will run the rest.
// Runs on whatever Node the machine has, so it uses nothing newer than Node 18.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// The first release with TypeScript type stripping on by default in its line (nodejs.org, "Modules: TypeScript").
const FLOOR = [22, 18];

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "node_modules", ".gestalt-edge-setup");
const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  process.stderr.write("Installing dependencies (first run only) …\n");
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (npm.status !== 0) {
    process.stderr.write("npm ci failed; see above. Check the network, then run the same command again.\n");
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

const node = spawnSync("node", ["-p", "process.versions.node"], {
  encoding: "utf8",
  env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH ?? ""}` },
});
const [major = 0, minor = 0] = (node.stdout ?? "").trim().split(".").map(Number);
if (major < FLOOR[0] || (major === FLOOR[0] && minor < FLOOR[1])) {
  process.stderr.write(
    `Node ${FLOOR.join(".")} or newer is needed here, and this platform has only ${(node.stdout ?? "").trim() || "none"}.\n` +
      "No prebuilt Node is bundled for it; install a current Node and run the same command again.\n",
  );
  process.exit(1);
}
