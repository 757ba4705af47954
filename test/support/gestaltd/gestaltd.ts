// Runs a real gestaltd, named by GESTALTD_BIN, from an empty folder of the test's own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
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
}

/** What the config adds to the parts that no gestaltd boots without. */
export interface GestaltdConfig {
  readonly providers?: Readonly<Record<string, unknown>>;
  readonly runtime?: Readonly<Record<string, unknown>>;
  readonly plugins?: Readonly<Record<string, unknown>>;
}

/**
 * Boots a gestaltd in `folder` and waits for `/ready`. Stand-ins serve IndexedDB and external credentials.
 * Throws with the log when it ends before it is ready.
 */
export async function startGestaltd(folder: string, config: GestaltdConfig): Promise<Gestaltd> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeStandIns(join(folder, "stand-ins"));
  await writeFile(join(folder, "gestaltd.yaml"), stringify(completeConfig(config, port)));
  const binary = process.env.GESTALTD_BIN ?? "gestaltd";
  const args = [
    "serve",
    "--config",
    "gestaltd.yaml",
    "--artifacts-dir",
    "artifacts",
    "--lockfile",
    "gestalt.lock.json",
  ];
  const child = spawn(binary, args, { cwd: folder, env: environment(folder), stdio: ["ignore", "pipe", "pipe"] });
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
  };
}

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
    providers: {
      indexeddb: { main: standIn("indexeddb") },
      externalCredentials: { default: standIn("external-credentials") },
      ...config.providers,
    },
  };
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

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
