// Starts the process of an embedded node. The bridge's single file holds neither Miniflare nor wrangler nor esbuild: they
// come with the gestalt-edge package that the project itself depends on.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { nodeFlags } from "../node-version.ts";
import { type LaunchReport, launchReportSchema } from "./launch-report.ts";
import type { StateFolder } from "./state-folder.ts";

/** Path of main.ts in the built package. */
const ENTRY = "dist/lib/bridge/embedded/main.js";

/**
 * What a node needs of the environment, and no more: a bridge's may hold tokens of host services, and signing keys under whatever
 * name its config gives. The last one marks what a test has started.
 */
const PASSED_VARIABLES =
  /^(PATH|HOME|TMPDIR|LANG|LC_\w+|TZ|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS|XDG_\w+|(WRANGLER|CLOUDFLARE|MINIFLARE)_\w+|GESTALT_EDGE_TEST_RUN)$/;

/**
 * Starts a node for `project` (a real path) and waits until it listens, or has found another node at work (`busy`).
 *
 * @throws BridgeError FAILED_PRECONDITION when gestalt-edge is not installed in the project or the node cannot start.
 */
export async function launchNode(
  project: string,
  folder: StateFolder,
  env: NodeJS.ProcessEnv,
): Promise<"listening" | "busy"> {
  const entry = findEntry(project);
  const output = openSync(folder.logFile, "a", 0o600);
  const child = spawn(process.execPath, [...nodeFlags(process.versions.node), entry, project, folder.path], {
    cwd: project,
    // Its own process group: a terminal's Ctrl-C and gestaltd's signals to a group are for the bridge alone.
    detached: true,
    stdio: ["ignore", output, output, "ipc"],
    env: Object.fromEntries(Object.entries(env).filter(([name]) => PASSED_VARIABLES.test(name))),
  });
  closeSync(output);
  const report = await new Promise<LaunchReport>((resolve) => {
    const failed = (message: string) => resolve({ type: "failed", message });
    child.once("message", (message) => resolve(launchReportSchema.parse(message)));
    child.once("error", (error) => failed(error.message));
    child.once("exit", (code, signal) => failed(`its process ended (${signal ?? `exit code ${code}`})`));
  });
  if (child.connected) child.disconnect();
  child.unref();
  if (report.type !== "failed") return report.type;
  throw fault(`the embedded worker of ${project} does not start: ${report.message}; see ${folder.logFile}`);
}

function findEntry(project: string): string {
  const entry = join(findPackage(project), ENTRY);
  if (existsSync(entry)) return entry;
  throw fault(`${dirname(entry)} is missing; build gestalt-edge with \`npm run build\``);
}

function findPackage(project: string): string {
  try {
    return dirname(createRequire(join(project, "package.json")).resolve("gestalt-edge/package.json"));
  } catch {
    throw fault(`gestalt-edge is not installed in ${project}; run \`npm install gestalt-edge\` there`);
  }
}

function fault(message: string): BridgeError {
  return new BridgeError(GrpcCode.failedPrecondition, message);
}
