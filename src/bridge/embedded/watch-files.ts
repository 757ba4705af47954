// Calls back when one of a set of files changes. Watches their folders, because editors replace files.
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, sep } from "node:path";

export interface FileWatch {
  /** Watches these files instead, and whatever may be a source in these folders, also when it is made only later. */
  update(files: readonly string[], folders?: readonly string[]): void;
  close(): void;
}

/** Editors write a file in several steps; one callback follows the last of them, in milliseconds. */
const QUIET_MS = 60;

/** Sources and wrangler configs; what has no extension may be a new folder with some. */
const SOURCE = /(\.([cm]?[jt]sx?|jsonc?|toml)|^[^.]+)$/;

export function watchFiles(changed: () => void): FileWatch {
  const watchers = new Map<string, FSWatcher>();
  let names = new Map<string, Set<string>>();
  let whole = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const trigger = () => {
    clearTimeout(timer);
    timer = setTimeout(changed, QUIET_MS);
  };
  const open = (folder: string) => {
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || names.get(folder)?.has(name)) trigger();
        else if (whole.has(folder) && SOURCE.test(name)) trigger();
      });
      watcher.on("error", () => watchers.delete(folder));
      watchers.set(folder, watcher);
    } catch {
      // The folder is gone; the next reload says what is missing.
    }
  };

  return {
    update(files, folders = []) {
      names = byFolder(files.filter((file) => !file.includes(`${sep}node_modules${sep}`)));
      whole = new Set(folders);
      const wanted = new Set([...names.keys(), ...whole]);
      for (const [folder, watcher] of watchers) {
        if (wanted.has(folder)) continue;
        watcher.close();
        watchers.delete(folder);
      }
      for (const folder of wanted) if (!watchers.has(folder)) open(folder);
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

function byFolder(files: readonly string[]): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>();
  for (const file of files) {
    const folder = dirname(file);
    folders.set(folder, (folders.get(folder) ?? new Set()).add(basename(file)));
  }
  return folders;
}
