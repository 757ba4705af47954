// The process of a shared embedded node. A bridge starts it, detached, with the project and state folder as arguments,
// and hears over IPC whether it came up; after that they speak on the control socket.

import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { LaunchReport } from "./launch-report.ts";
import { startEmbeddedNode } from "./node.ts";

const [project = ".", state] = process.argv.slice(2);
const report = (message: LaunchReport) => {
  if (process.connected) process.send?.(message);
  if (process.connected) process.disconnect();
};

try {
  const node = await startEmbeddedNode({
    project,
    state,
    endsWithBridges: true,
    // From here on the control socket tells everything.
    hooks: { state: ({ type }) => type === "starting" && report({ type: "listening" }) },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void node.close());
  await node.ended;
} catch (error) {
  const busy = error instanceof BridgeError && error.code === GrpcCode.alreadyExists;
  report(busy ? { type: "busy" } : { type: "failed", message: error instanceof Error ? error.message : String(error) });
  process.exitCode = busy ? 0 : 1;
}
