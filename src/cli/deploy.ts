// `gestalt-edge deploy`: builds the project and hands the bundle to wrangler, after seeing to it that the worker can be used.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  CREDENTIALS_KEY_BINDING,
  JWKS_BINDING,
  LOGIN_SECRET_BINDING,
  PRESIGN_SECRET_BINDING,
} from "../wire/bindings.ts";
import { BUILD_OPTIONS, builtAsAsked } from "./build.ts";
import type { Built } from "./build-project.ts";
import { defineCommand } from "./command.ts";
import { CliError, ExitCode } from "./errors.ts";
import { projectFolder } from "./project-folder.ts";
import type { Terminal } from "./terminal.ts";

export const deploy = defineCommand({
  name: "deploy",
  operands: ["[project]"],
  passesTo: "wrangler deploy",
  about: [
    "Builds the project, checks that the worker has the public keys without which it would refuse everything, and runs",
    "wrangler: the project's own, or the one that comes with gestalt-edge. Arguments after -- go to `wrangler deploy`.",
  ].join("\n"),
  options: {
    ...BUILD_OPTIONS,
    env: { type: "string", short: "e", value: "NAME", help: "Environment of the wrangler config to deploy" },
    "dry-run": { type: "boolean", help: "Do everything but upload; needs no account" },
  },
  examples: [
    "gestalt-edge deploy",
    "gestalt-edge deploy --dry-run",
    "gestalt-edge deploy --env production -- --tag v2",
  ],
  run: async ({ values, positionals: [folder = "."], passed, terminal, signal }) => {
    const project = await projectFolder(folder);
    const built = await builtAsAsked(project, { values, terminal, signal });
    const wrangler = new Wrangler(project, built.configFile, values.env, signal);
    const dryRun = values["dry-run"];
    await checkBindings({ built, wrangler, environment: values.env, dryRun, terminal });
    const code = await wrangler.run(["deploy", ...(dryRun ? ["--dry-run"] : []), ...passed], terminal.json);
    if (code !== 0)
      throw new CliError({ what: `wrangler ended with ${code}`, fix: "Read what it printed above, and correct that" });
    terminal.data({ worker: built.worker, digest: built.digest, size: built.size, deployed: !dryRun });
    return ExitCode.ok;
  },
});

interface CheckOptions {
  readonly built: Built;
  readonly wrangler: Wrangler;
  readonly environment: string | undefined;
  readonly dryRun: boolean;
  readonly terminal: Terminal;
}

/** A dry run only warns: what it lacks may be a secret, which wrangler shows to those with an account alone. */
async function checkBindings({ built, wrangler, environment, dryRun, terminal }: CheckOptions): Promise<void> {
  const config = JSON.parse(await readFile(built.configFile, "utf8")) as WranglerVariables;
  const variables = Object.keys((environment === undefined ? config : config.env?.[environment])?.vars ?? {});
  const has = (wanted: string) => built.providers.some(({ kind }) => kind === wanted);
  const needed: Needed[] = [
    JWKS_BINDING,
    ...(has("s3") ? ([PRESIGN_SECRET_BINDING] as const) : []),
    ...(has("authentication") ? ([LOGIN_SECRET_BINDING] as const) : []),
    ...(has("external_credentials") ? ([CREDENTIALS_KEY_BINDING] as const) : []),
  ];
  const absent = needed.filter((name) => !variables.includes(name));
  if (absent.length === 0) return;
  const secrets = dryRun ? [] : await wrangler.secretNames();
  for (const name of absent.filter((name) => !secrets.includes(name))) {
    const explanation = EXPLANATIONS[name];
    if (name === JWKS_BINDING && !dryRun) throw new CliError(explanation);
    terminal.note(`warning: ${explanation.what}. ${explanation.fix}`);
  }
}

interface WranglerVariables {
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, { readonly vars?: Readonly<Record<string, unknown>> }>>;
}

type Needed =
  | typeof JWKS_BINDING
  | typeof PRESIGN_SECRET_BINDING
  | typeof LOGIN_SECRET_BINDING
  | typeof CREDENTIALS_KEY_BINDING;

const EXPLANATIONS: Readonly<Record<Needed, { what: string; where: string; fix: string }>> = {
  [JWKS_BINDING]: {
    what: `The variable ${JWKS_BINDING} is not set, and without public keys the worker refuses every call`,
    where: "[vars] of the wrangler config",
    fix: "Run `gestalt-edge keygen` and put the line it prints under [vars]",
  },
  [PRESIGN_SECRET_BINDING]: {
    what: `The secret ${PRESIGN_SECRET_BINDING} is not set, so the object store cannot presign URLs`,
    where: "secrets of the Worker",
    fix: `Run \`openssl rand -base64 32 | npx wrangler secret put ${PRESIGN_SECRET_BINDING}\``,
  },
  [LOGIN_SECRET_BINDING]: {
    what: `The secret ${LOGIN_SECRET_BINDING} is not set, so that nobody can sign in`,
    where: "secrets of the Worker",
    fix: `Run \`openssl rand -base64 32 | npx wrangler secret put ${LOGIN_SECRET_BINDING}\``,
  },
  [CREDENTIALS_KEY_BINDING]: {
    what: `The secret ${CREDENTIALS_KEY_BINDING} is not set, so that no external credential can be kept`,
    where: "secrets of the Worker",
    fix: `Run \`openssl rand -base64 32 | npx wrangler secret put ${CREDENTIALS_KEY_BINDING}\``,
  },
};

/** As the user set it: reading a project quietens wrangler in this process, and its child would inherit that. */
const USER_ENVIRONMENT = { ...process.env };

class Wrangler {
  readonly #program: string;
  readonly #arguments: readonly string[];
  readonly #project: string;
  readonly #signal: AbortSignal;

  constructor(project: string, configFile: string, environment: string | undefined, signal: AbortSignal) {
    this.#program = wranglerProgram(project);
    this.#arguments = ["--config", configFile, ...(environment === undefined ? [] : ["--env", environment])];
    this.#project = project;
    this.#signal = signal;
  }

  /** Runs wrangler on this terminal. `quiet` moves its stdout to stderr, where it does not mix with JSON. */
  run([command = "", ...args]: readonly string[], quiet: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [this.#program, command, ...this.#arguments, ...args], {
        cwd: this.#project,
        env: USER_ENVIRONMENT,
        stdio: ["inherit", quiet ? 2 : "inherit", "inherit"],
        signal: this.#signal,
      });
      child.on("error", reject);
      child.on("close", (code) => resolve(code ?? ExitCode.internal));
    });
  }

  /** Names of the Worker's secrets; none when it has not been deployed, or when wrangler cannot tell. */
  async secretNames(): Promise<string[]> {
    const child = spawn(process.execPath, [this.#program, "secret", "list", ...this.#arguments], {
      cwd: this.#project,
      env: USER_ENVIRONMENT,
      stdio: ["ignore", "pipe", "ignore"],
      signal: this.#signal,
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    await new Promise<void>((resolve, reject) => child.on("error", reject).on("close", () => resolve()));
    try {
      return (JSON.parse(Buffer.concat(chunks).toString()) as { name: string }[]).map(({ name }) => name);
    } catch {
      return [];
    }
  }
}

/** The project's own wrangler when it has one, so that its version is the project's choice. */
function wranglerProgram(project: string): string {
  for (const base of [join(project, "package.json"), import.meta.url]) {
    try {
      return join(dirname(createRequire(base).resolve("wrangler/package.json")), "bin", "wrangler.js");
    } catch {}
  }
  throw new CliError({
    what: "wrangler is not installed",
    where: project,
    fix: "Run: npm install --save-dev wrangler",
  });
}
