// Files that a bundle wants and that are not there: making one of them mends it.
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Message } from "esbuild";

const UNRESOLVED = /^Could not resolve "(\.[^"]*)"/;
/** What esbuild tries when an import has no extension, and `.ts` for what is imported as `.js`. */
const EXTENSIONS = ["", ".ts", ".tsx", ".js", ".jsx", ".json"];

/** Absolute paths, from the relative imports that esbuild could not resolve. */
export function missingFiles(errors: readonly Message[], folder: string): string[] {
  return errors.flatMap(({ text, location }) => {
    const [, path] = UNRESOLVED.exec(text) ?? [];
    if (path === undefined || location === null) return [];
    const file = resolve(folder, dirname(location.file), path);
    return [...EXTENSIONS.map((extension) => file + extension), file.replace(/\.js$/, ".ts")].map(firstMissing);
  });
}

/** The path itself, or the topmost of its folders that is missing too: nothing can be watched in a folder before it is made. */
function firstMissing(path: string): string {
  const parent = dirname(path);
  return parent === path || existsSync(parent) ? path : firstMissing(parent);
}
