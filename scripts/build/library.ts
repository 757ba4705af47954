// dist/lib: JavaScript and types of the worker's and the Node side, by two compilers side by side.
import { execFile } from "node:child_process";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const PROJECTS = ["tsconfig.build.worker.json", "tsconfig.build.node.json"];

/** The compilers' complaints; empty when there are none. */
export async function buildLibrary(root: string): Promise<string> {
  // Made aside and put in place whole: a bridge that runs may start a node from it at any moment, and what a removed
  // source left behind would be published.
  const library = join(root, "dist", "lib");
  const draft = `${library}.${process.pid}`;
  const complaints = (await Promise.all(PROJECTS.map((project) => compile(root, project, draft)))).filter(Boolean);
  // With a type error the last library that had none stays.
  rmSync(complaints.length > 0 ? draft : library, { recursive: true, force: true });
  if (complaints.length === 0) renameSync(draft, library);
  return complaints.join("\n");
}

function compile(root: string, project: string, folder: string): Promise<string> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, "-p", project, "--outDir", folder], { cwd: root }, (error, stdout, stderr) => {
      resolve(error ? `${stdout}${stderr}`.trim() || error.message : "");
    });
  });
}
