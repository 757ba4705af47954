// Runs a real gestaltd, named by GESTALTD_BIN, from an empty folder of the test's own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import net from "node:net";
import { delimiter, join } from "node:path";
import { build } from "esbuild";
import { stringify } from "yaml";

const repository = join(import.meta.dirname, "..", "..", "..");

/** Why the tests with a real gestaltd do not run; undefined when they do. */
export const skipGestaltd =
  process.env.GESTALTD_BIN === undefined ? "GESTALTD_BIN does not name a gestaltd, so none is run" : undefined;

export interface Gestaltd {
  readonly url: string;
  /** Everything it and its providers have written so far. */
  log(): string;
  /** SIGTERM, then waits for its end; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Process ids of what it has started. */
  children(): number[];
  /** SIGKILL: it ends nothing that it started. */
  kill(): Promise<void>;
}

/** What the config adds to the parts that no gestaltd boots without. */
export interface GestaltdConfig {
  readonly providers?: Readonly<Record<string, unknown>>;
  readonly runtime?: Readonly<Record<string, unknown>>;
  readonly plugins?: Readonly<Record<string, unknown>>;
  readonly connections?: Readonly<Record<string, unknown>>;
}

/**
 * Boots a gestaltd in `folder` and waits for `/ready`. Stand-ins serve IndexedDB and external credentials.
 * Throws with the log when it ends before it is ready.
 */
export async function startGestaltd(folder: string, config: GestaltdConfig): Promise<Gestaltd> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeStandIns(join(folder, "stand-ins"));
  await writeFile(join(folder, "gestaltd.yaml"), stringify(completeConfig(config, port), AS_WRITTEN));
  const args = ["--config", "gestaltd.yaml", "--artifacts-dir", "artifacts", "--lockfile", "gestalt.lock.json"];
  return serveGestaltd({ folder, url, args });
}

export interface ServeOptions {
  /** Where it is started, and its home. */
  readonly folder: string;
  /** Where its config has it listen. */
  readonly url: string;
  /** Arguments of `gestaltd serve`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `gestaltd serve` with a config that is there, and waits for `/ready`. Throws with the log when it ends before that. */
export async function serveGestaltd({ folder, url, args, env = {} }: ServeOptions): Promise<Gestaltd> {
  const child = spawn(process.env.GESTALTD_BIN ?? "gestaltd", ["serve", ...args], {
    cwd: folder,
    env: { ...environment(folder), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stdout.on("data", (text: Buffer) => (log += text.toString()));
  child.stderr.on("data", (text: Buffer) => (log += text.toString()));
  await ready(child, url, () => log);
  return {
    url,
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return child.exitCode;
    },
    children: () => childrenOf(child.pid ?? 0),
    async kill() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** gestaltd's YAML knows no aliases across sections it reads apart. */
const AS_WRITTEN = { aliasDuplicateObjects: false };

function completeConfig(config: GestaltdConfig, port: number) {
  const standIn = (name: string) => ({ source: { path: `./stand-ins/${name}.yaml` }, config: {} });
  return {
    apiVersion: "gestaltd.config/v5",
    server: {
      public: { host: "127.0.0.1", port },
      baseUrl: `http://127.0.0.1:${port}`,
      encryptionKey: "a key for one test",
    },
    ...config,
    ...(config.runtime === undefined ? {} : { runtime: marked(config.runtime) }),
    providers: marked({
      indexeddb: { main: standIn("indexeddb") },
      externalCredentials: { default: standIn("external-credentials") },
      ...config.providers,
    }),
  };
}

/** gestaltd hands its environment to no provider, so each entry carries the mark of the test run itself. */
function marked(sections: GestaltdConfig["providers"] = {}): Record<string, unknown> {
  const { GESTALT_EDGE_TEST_RUN } = process.env;
  if (GESTALT_EDGE_TEST_RUN === undefined) return sections;
  const entries = (section: unknown) =>
    Object.entries(section as Record<string, { readonly env?: object }>).map(([name, entry]) => {
      return [name, { ...entry, env: { ...entry.env, GESTALT_EDGE_TEST_RUN } }];
    });
  return Object.fromEntries(
    Object.entries(sections).map(([kind, section]) => [kind, Object.fromEntries(entries(section))]),
  );
}

async function writeStandIns(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "stand-in.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "stand-in.ts")],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
    // connect-node reaches for `require` in a place this never comes to.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  await chmod(file, 0o755);
  const manifest = (kind: string, source: string, argument: string) => ({
    kind,
    source: `example.com/stand-ins/edge/${source}`,
    version: "0.0.1",
    artifacts: [{ path: "stand-in.mjs" }],
    entrypoint: { artifactPath: "stand-in.mjs", args: [argument] },
  });
  // gestaltd scopes an IndexedDB only when its source ends in one of three suffixes (reference §0 #3).
  const indexedDB = manifest("indexeddb", "indexeddb/dynamodb", "indexeddb");
  const credentials = manifest("external_credentials", "external-credentials", "external-credentials");
  await writeFile(join(folder, "indexeddb.yaml"), stringify(indexedDB));
  await writeFile(join(folder, "external-credentials.yaml"), stringify(credentials));
}

function environment(folder: string): NodeJS.ProcessEnv {
  const bin = join(repository, "node_modules", ".bin");
  const { PATH = "", TMPDIR, GESTALT_EDGE_TEST_RUN } = process.env;
  return { PATH: `${bin}${delimiter}${PATH}`, HOME: folder, TMPDIR, GESTALT_EDGE_TEST_RUN };
}

async function ready(child: ChildProcess, url: string, log: () => string): Promise<void> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`gestaltd ended with ${String(code)} before it was ready:\n${log()}`);
  });
  const answered = (async () => {
    while (child.exitCode === null) {
      const answer = await fetch(`${url}/ready`).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await Promise.race([answered, ended]);
  ended.catch(() => undefined);
}

/** Ports below those that systems give to outgoing connections: gestaltd binds it only seconds later. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** A port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).once("listening", () => resolve(true));
      server.listen(port, "127.0.0.1");
    });
    server.removeAllListeners();
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
