// Makes a fresh clone ready: installs what the lock file names, and a newer Node where the machine's is too old for the rest.
// Runs on whatever Node the machine has, so it uses nothing newer than Node 18.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// The first release with TypeScript type stripping on by default in its line (nodejs.org, "Modules: TypeScript").
const FLOOR = [22, 18];

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const ownNode = join(root, "scripts", "node");
const link = join(root, "node_modules", ".bin", "node");

if (!isInstalled(root)) {
  process.stderr.write("Installing dependencies (first run only; about half a minute) …\n");
  install(root);
}
if (!isNewEnough(nodeVersion())) {
  if (!isInstalled(ownNode)) {
    process.stderr.write(`This machine's Node is ${nodeVersion()}; installing a newer one for this clone …\n`);
    install(ownNode);
  }
  rmSync(link, { force: true });
  symlinkSync(join("..", "..", "scripts", "node", "node_modules", ".bin", "node"), link);
}
if (!isNewEnough(nodeVersion())) {
  process.stderr.write(
    `Node ${FLOOR.join(".")} or newer is needed here, and this platform has only ${nodeVersion() || "none"}.\n` +
      "No prebuilt Node is known for it; install a current Node and run the same command again.\n",
  );
  process.exit(1);
}

/** The lock file that was installed is the one that is there. */
function isInstalled(folder) {
  const stamp = stampOf(folder);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === lockOf(folder);
}

function install(folder) {
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (npm.status !== 0) {
    process.stderr.write("npm ci failed; see above. Check the network, then run the same command again.\n");
    process.exit(1);
  }
  mkdirSync(dirname(stampOf(folder)), { recursive: true });
  writeFileSync(stampOf(folder), lockOf(folder));
}

function stampOf(folder) {
  return join(folder, "node_modules", ".gestalt-edge-setup");
}

function lockOf(folder) {
  return createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
}

/** Of the Node that the script proper will run on: npm puts node_modules/.bin first on its PATH. */
function nodeVersion() {
  const node = spawnSync("node", ["-p", "process.versions.node"], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${dirname(link)}:${process.env.PATH ?? ""}` },
  });
  return (node.stdout ?? "").trim();
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1]);
}
