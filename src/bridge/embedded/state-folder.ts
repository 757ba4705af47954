// The folder an embedded node keeps its data in, and the lock that gives it to one node at a time.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";

/** Files of the state folder. */
export interface StateFolder {
  /** Real path. */
  readonly path: string;
  /** What KV, R2, Durable Objects and the like store. */
  readonly data: string;
  readonly logFile: string;
}

/** How bridges find the node that holds the folder. */
export interface NodeRecord {
  readonly pid: number;
  readonly project: string;
  /** Path of the control socket. */
  readonly socket: string;
}

const DEFAULT_STATE = ".gestalt-edge/state";
const LOCK_FILE = "node.lock";
const RECORD_FILE = "node.json";
const PORT_FILE = "port";
const SLOTS_FILE = "egress-slots";
const SECRET_BYTES = 32;

const recordSchema = z.object({ pid: z.int(), project: z.string(), socket: z.string() });

/** The state folder of a project, made when it is not there. `state` is absolute or relative to the project. */
export function openStateFolder(project: string, state: string = DEFAULT_STATE): StateFolder {
  const wanted = resolve(project, state);
  // What providers store is for this user alone, as a database's files are; a folder that is there already keeps its mode.
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  const path = realpathSync(wanted);
  if (basename(dirname(path)) === ".gestalt-edge") keepOutOfGit(dirname(path));
  return { path, data: join(path, "data"), logFile: join(path, "node.log") };
}

/**
 * Takes the folder for this process; undefined when another one holds it. The lock is SQLite's lock on a file, so the
 * kernel frees it however the process ends. Without it two workerds would write the same databases.
 */
export async function lockState(folder: StateFolder): Promise<{ release(): void } | undefined> {
  const { DatabaseSync } = await importSqlite();
  const database: DatabaseSync = new DatabaseSync(join(folder.path, LOCK_FILE), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

/** SQLite, "Result codes": another connection holds the lock. */
const SQLITE_BUSY = 5;

/** Node 22 calls the module experimental on stderr; the part used here is older than that module. */
async function importSqlite(): Promise<typeof import("node:sqlite")> {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return await import("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Who holds the folder, as far as it has said so. May be out of date: only connecting to the socket tells. */
export function readNodeRecord(folder: StateFolder): NodeRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(join(folder.path, RECORD_FILE), "utf8")));
  } catch {
    return undefined;
  }
}

/** For the holder of the lock only. */
export function writeNodeRecord(folder: StateFolder, record: NodeRecord): void {
  writeAtomically(join(folder.path, RECORD_FILE), JSON.stringify(record));
}

/** For the holder of the lock only. */
export function removeNodeRecord(folder: StateFolder): void {
  rmSync(join(folder.path, RECORD_FILE), { force: true });
}

/** The port of the last run: URLs that were signed for it stay good when it can be had again. */
export function readPort(folder: StateFolder): number | undefined {
  const file = join(folder.path, PORT_FILE);
  const port = existsSync(file) ? Number(readFileSync(file, "utf8")) : Number.NaN;
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

export function writePort(folder: StateFolder, port: number): void {
  writeAtomically(join(folder.path, PORT_FILE), String(port));
}

/** How many guarded services the last run needed at once: making them at the start saves a restart of workerd later. */
export function readSlots(folder: StateFolder): number {
  const file = join(folder.path, SLOTS_FILE);
  const count = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  return Number.isInteger(count) && count > 0 ? count : 0;
}

export function writeSlots(folder: StateFolder, count: number): void {
  writeAtomically(join(folder.path, SLOTS_FILE), String(count));
}

/** Secret that signs presigned URLs, made once per state folder. */
export function presignSecret(folder: StateFolder): string {
  return secretIn(folder, "presign-secret");
}

/** Secret that seals the state of sign-ins, made once per state folder. */
export function loginSecret(folder: StateFolder): string {
  return secretIn(folder, "login-secret");
}

/** Secret that external credentials are encrypted with, made once per state folder. It lies beside what it encrypts. */
export function credentialsKey(folder: StateFolder): string {
  return secretIn(folder, "credentials-key");
}

function secretIn(folder: StateFolder, name: string): string {
  const file = join(folder.path, name);
  if (!existsSync(file)) writeAtomically(file, randomBytes(SECRET_BYTES).toString("base64url"));
  return readFileSync(file, "utf8").trim();
}

function writeAtomically(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

function keepOutOfGit(folder: string): void {
  const file = join(folder, ".gitignore");
  if (!existsSync(file)) writeFileSync(file, "*\n");
}
