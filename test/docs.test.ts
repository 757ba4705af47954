// Runs the documentation: README.md and docs/. Each page gets a project of its own, in which
//   ```ts file=src/index.ts   is written to that file and type-checked (any language may have file=),
//   ```ts                     is type-checked as a module of its own,
//   ```sh run                 is run there, line by line, and must exit 0,
//   ```sh no-run=REASON       is not run, for the reason it gives,
//   ```yaml, ```json          must parse.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { type CodeBlock, codeBlocks } from "./support/markdown.ts";

const repository = join(import.meta.dirname, "..");
const run = promisify(execFile);

for (const page of ["README.md", ...globSync("docs/**/*.md", { cwd: repository }).sort()]) {
  describe(page, async () => {
    const blocks = codeBlocks(await readFile(join(repository, page), "utf8"));
    let project = "";

    before(async () => {
      project = await createProject(blocks);
    });
    after(() => rm(project, { recursive: true, force: true }));

    it("says of each shell block whether it runs, and if not, why", () => {
      for (const block of blocks.filter(({ language }) => language === "sh" || language === "bash")) {
        assert.match(block.info, /^(run|no-run=\S.*)$/, `${page}:${block.line}`);
      }
    });

    if (blocks.some(({ language }) => language === "ts")) {
      it("has TypeScript that compiles", async () => {
        await run("tsc", ["-p", project], { cwd: project, env: environment() }).catch((error: { stdout?: string }) => {
          assert.fail(`${page}: ${error.stdout}`);
        });
      });
    }

    for (const block of blocks) {
      if (block.language === "sh" && block.info === "run") {
        it(`runs line ${block.line}: ${block.code.split("\n")[0]}`, async () => {
          await run("sh", ["-euc", block.code], { cwd: project, env: environment() });
        });
      }
      if (block.language === "yaml" || block.language === "json") {
        it(`parses line ${block.line}`, () => {
          for (const document of parseAllDocuments(block.code)) {
            if ("errors" in document) assert.deepEqual(document.errors, []);
          }
        });
      }
    }
  });
}

/** A project as a reader would have it: `npm install gestalt-edge zod` done, and the page's files in place. */
async function createProject(blocks: readonly CodeBlock[]): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "docs-"));
  await symlink(join(repository, "node_modules"), join(project, "node_modules"));
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "docs", private: true, type: "module" }));
  await writeFile(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        ...{ target: "es2024", lib: ["es2024"], module: "esnext", moduleResolution: "bundler", strict: true },
        ...{ noEmit: true, allowImportingTsExtensions: true, skipLibCheck: true, moduleDetection: "force" },
        types: ["@cloudflare/workers-types", "node"],
      },
    }),
  );
  for (const block of blocks) {
    const named = /\bfile=(\S+)/.exec(block.info)?.[1];
    const file = named ?? (block.language === "ts" ? `line-${block.line}.ts` : undefined);
    if (file === undefined) continue;
    await mkdir(dirname(join(project, file)), { recursive: true });
    await writeFile(join(project, file), `${block.code}\n`);
  }
  return project;
}

function environment(): NodeJS.ProcessEnv {
  const bin = join(repository, "node_modules", ".bin");
  return { ...process.env, NO_COLOR: "1", PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
}
