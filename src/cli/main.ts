#!/usr/bin/env node
// The `gestalt-edge` command as Node starts it: refuses a Node that is too old in a sentence, where the rest would fail at
// some missing function, and gives the one release that hides a module the flag it needs.
import { nodeFault, nodeFlags } from "../bridge/node-version.ts";
import { quietWarnings, runWithFlags } from "./node-process.ts";

process.exitCode = await start(process.versions.node);

async function start(version: string): Promise<number> {
  const fault = nodeFault(version);
  if (fault !== undefined) {
    const fix = "Install a current Node (https://nodejs.org), or put one first on PATH";
    process.stderr.write(`error: gestalt-edge ${fault}\n  where: ${process.execPath}\n    fix: ${fix}\n`);
    return 1;
  }
  const flags = nodeFlags(version).filter((flag) => !process.execArgv.includes(flag));
  if (flags.length > 0) return runWithFlags(flags);
  quietWarnings();
  const { run } = await import("./run.ts");
  return run(process.argv.slice(2));
}
