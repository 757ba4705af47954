// What the Node that runs us must be. Imports nothing, so that it works on any.

/** `engines` of package.json. */
const FLOOR = [22, 12] as const;
/** `node:sqlite` came without a flag with this release (nodejs.org, "SQLite"). */
const SQLITE_WITHOUT_FLAG = [22, 13] as const;

/** What is wrong with a Node of this version, as half a sentence; undefined when it will do. */
export function nodeFault(version: string): string | undefined {
  return compare(version, FLOOR) < 0 ? `needs Node ${FLOOR.join(".")} or newer, and this is ${version}` : undefined;
}

/** Flags without which the embedded node's lock is not to be had; nearly always none. */
export function nodeFlags(version: string): string[] {
  return compare(version, SQLITE_WITHOUT_FLAG) < 0 ? ["--experimental-sqlite"] : [];
}

function compare(version: string, [major, minor]: readonly [number, number]): number {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor - major || ownMinor - minor;
}
