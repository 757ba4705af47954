// Folders for sockets: only this user can enter them, and their paths are short.
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { SOCKET_FOLDER_PREFIX } from "./environment.ts";

/** Longest path of a Unix socket that every platform takes, in bytes: macOS has 104 with the final zero. */
export const MAX_SOCKET_PATH_BYTES = 103;

/** What is added to a base: `/ge-XXXXXX/` and a file name, in bytes. */
const ADDED_BYTES = 32;
const PREFIX = "ge-";

/** A new folder with mode 0700, in `preferred` when that will do. The caller removes it. */
export function privateSocketFolder(preferred?: string): string {
  const bases = [preferred, process.env.XDG_RUNTIME_DIR, tmpdir()];
  const base = bases.find((folder) => folder && isUsable(folder)) ?? "/tmp";
  return mkdtempSync(join(base, PREFIX));
}

/** Removes the folder gestaltd made for `socket`, with all that is in it, as gestaltd itself would, had it not been killed. */
export function removeSocketFolder(socket: string): void {
  const folder = dirname(socket);
  if (basename(folder).startsWith(SOCKET_FOLDER_PREFIX)) rmSync(folder, { recursive: true, force: true });
}

function isUsable(folder: string): boolean {
  if (Buffer.byteLength(folder) + ADDED_BYTES > MAX_SOCKET_PATH_BYTES) return false;
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
