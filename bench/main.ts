// `npm run bench [-- GROUP …]`: measures every rival in one run and prints tables. Groups: unary, objects, host, indexeddb,
// start, bundle.
import { spawnSync } from "node:child_process";
import { bundleGroup } from "./groups/bundle.ts";
import { hostGroup } from "./groups/host.ts";
import { indexedDBGroup } from "./groups/indexeddb.ts";
import { objectsGroup } from "./groups/objects.ts";
import { startGroup } from "./groups/start.ts";
import { unaryGroup } from "./groups/unary.ts";
import { printTargets, type Reached } from "./targets.ts";

const groups: Readonly<Record<string, () => Promise<Reached[]>>> = {
  unary: unaryGroup,
  objects: objectsGroup,
  host: hostGroup,
  indexeddb: indexedDBGroup,
  start: startGroup,
  bundle: bundleGroup,
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => groups[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`bench: no group ${unknown.join(", ")}; there are ${Object.keys(groups).join(", ")}\n`);
  process.exit(2);
}

const built = spawnSync(process.execPath, ["scripts/build.ts"], { stdio: "inherit" });
if (built.status !== 0) process.exit(1);

const reached: Reached[] = [];
for (const [name, group] of Object.entries(groups)) {
  if (chosen.length === 0 || chosen.includes(name)) reached.push(...(await group()));
}
printTargets(reached);
