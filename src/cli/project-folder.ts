// The folder a command works on.
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { CliError } from "./errors.ts";

/** The real path of a project's folder. */
export async function projectFolder(folder: string): Promise<string> {
  return realpath(resolve(folder)).catch(() => {
    throw new CliError({ what: "There is no such folder", where: resolve(folder), fix: "Name the project's folder" });
  });
}
