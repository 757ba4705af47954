// How bundles reach out: `connect()` as a gate understands it; and with `--guard-egress` a guard that is evaluated before the
// author's modules, and stands between them and the platform's ways out.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { WorkerProject } from "./project.ts";

/** Paths of modules of the gestalt-edge that the project itself uses: guard and runtime must be one bundle's. */
export interface EgressGuardModules {
  readonly guard: string;
  /** In place of `cloudflare:sockets`. */
  readonly sockets: string;
}

const FOLDER = "dist/lib/worker/egress";
/** Flags with which a worker can tell whose call a piece of code runs for. */
const CONTEXT_FLAGS = ["nodejs_als", "nodejs_compat", "nodejs_compat_v2"];
/** Node's modules that reach hosts: workerd's own connect by themselves, behind the guard. */
const WAYS_OUT = /^(node:)?(dgram|dns|http|http2|https|net|tls)(\/.*)?$/;

/** @throws BridgeError FAILED_PRECONDITION when the project cannot be guarded. */
export function egressGuard({ folder, config, configFile }: WorkerProject): EgressGuardModules {
  if (!config.compatibility_flags.some((flag) => CONTEXT_FLAGS.includes(flag))) {
    throw fault(`the egress guard needs compatibility_flags = ["nodejs_als"] in ${configFile}`);
  }
  const root = packageFolder(folder);
  if (root === undefined)
    throw fault(`gestalt-edge is not installed in ${folder}; run \`npm install gestalt-edge\` there`);
  return { guard: join(root, FOLDER, "guard.js"), sockets: join(root, FOLDER, "sockets.js") };
}

function packageFolder(project: string): string | undefined {
  try {
    return dirname(createRequire(join(project, "package.json")).resolve("gestalt-edge/package.json"));
  } catch {
    return undefined;
  }
}

/** An entry module before the project's own: modules are evaluated in the order they are imported. */
export function guardedEntry({ folder, main }: WorkerProject, { guard }: EgressGuardModules) {
  const from = JSON.stringify(main);
  return {
    contents: `import ${JSON.stringify(guard)};\nexport * from ${from};\nexport { default } from ${from};\n`,
    resolveDir: folder,
    sourcefile: "gestalt-edge-guarded-entry.js",
  };
}

/** Imports of modules that reach hosts: `connect()` by way of ours, and past a guard none. */
export function waysOut({ folder }: WorkerProject, guard: EgressGuardModules | undefined): Plugin {
  return {
    name: "ways-out",
    setup(build) {
      build.onResolve({ filter: /^cloudflare:sockets$/ }, ({ importer, path }) => {
        const sockets = guard?.sockets ?? gatedSockets(folder);
        return sockets === undefined || importer === sockets ? { path, external: true } : { path: sockets };
      });
      if (guard === undefined) return;
      // The package says that none of its modules has effects; this one has, and must not be left out.
      build.onResolve({ filter: /guard\.js$/ }, ({ path }) =>
        path === guard.guard ? { path, sideEffects: true } : undefined,
      );
      build.onResolve({ filter: WAYS_OUT }, ({ path }) => ({
        errors: [{ text: `${path} reaches hosts past the egress guard; use fetch or cloudflare:sockets` }],
      }));
    },
  };
}

/** For workers that run behind a gate of an embedded node. In every bundle, since the same one is deployed and is to match a pin. */
function gatedSockets(project: string): string | undefined {
  const root = packageFolder(project);
  const sockets = root && join(root, FOLDER, "gated-sockets.js");
  return sockets && existsSync(sockets) ? sockets : undefined;
}

function fault(message: string): BridgeError {
  return new BridgeError(GrpcCode.failedPrecondition, message);
}
