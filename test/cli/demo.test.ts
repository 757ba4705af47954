// `npm start`: the whole play works on this very clone, stays up as it says, and takes everything with it when it ends.
import assert from "node:assert/strict";
import { exec, spawn } from "node:child_process";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { repository } from "./cli.ts";

it("npm start plays gestaltd to the examples, and the command it says to try next works", async () => {
  const child = spawn(process.execPath, [join(repository, "scripts/start.ts")], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes("Ctrl-C ends everything.")) resolve();
      });
      void ended.then(() => reject(new Error(`it ended early:\n${output}`)));
    });
    assert.doesNotMatch(output, /✗/);
    assert.match(output, /Everything above worked, in /);
    const next = /npx gestalt-edge invoke .*/.exec(output)?.[0] ?? "";
    const { stdout } = await promisify(exec)(next, { cwd: repository });
    assert.equal(JSON.parse(stdout).total, 3);
    child.kill("SIGINT");
    assert.equal(await ended, 0, output);
  } finally {
    child.kill("SIGKILL");
  }
});
