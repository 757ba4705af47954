// The bridge gestaltd starts: `gestalt-edge-bridge KIND`, with a kind of kinds.ts. It is two processes of this one file: a
// supervisor, which gestaltd knows, and the one that works. What only the latter needs is loaded there.
import { PACKAGE_VERSION } from "../wire/version.ts";
import {
  NAME_VARIABLE,
  PARENT_PID_VARIABLE,
  SOCKET_VARIABLE,
  SUPERVISOR_VARIABLE,
  WORKING_PROCESS_VARIABLE,
} from "./environment.ts";
import { createLog, createSecrets } from "./log.ts";
import { nodeFault } from "./node-version.ts";
import { supervise } from "./supervisor/supervise.ts";

/** `EX_USAGE` of sysexits.h: started in a way that cannot work. */
const EXIT_USAGE = 64;

await main(process.argv.slice(2), process.env);

async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const [argument = ""] = args;
  if (argument === "--version") return void process.stdout.write(`${PACKAGE_VERSION}\n`);
  const fault = nodeFault(process.versions.node);
  if (fault !== undefined) return cannotRun(fault);
  // Set without the channel that goes with it, it comes from an environment that was copied.
  const working = env[WORKING_PROCESS_VARIABLE] !== undefined && process.connected;
  delete env[WORKING_PROCESS_VARIABLE];
  const socket = env[SOCKET_VARIABLE];
  if (working || env[SUPERVISOR_VARIABLE] === "off" || !socket) {
    const { work } = await import("./work.ts");
    return work(args, env, working);
  }
  const log = createLog(createSecrets(), { bridge: argument, provider: env[NAME_VARIABLE] ?? "" });
  supervise({ log, socket, parentPid: Number(env[PARENT_PID_VARIABLE]) || undefined });
}

/** gestaltd starts the bridge with whatever `node` its PATH finds first, and passes PATH on to it. */
function cannotRun(fault: string): void {
  process.stderr.write(
    `gestalt-edge-bridge ${fault} (${process.execPath}); put a current Node first on the PATH that gestaltd is started with\n`,
  );
  process.exitCode = EXIT_USAGE;
}
