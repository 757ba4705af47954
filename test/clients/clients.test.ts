// Foreign gRPC clients on the bridge's Unix socket, in front of a real worker: grpc-js always, grpcio and grpc-go when the
// machine has them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PRESIGN_SECRET_BINDING } from "../../src/wire/bindings.ts";
import { startBridge, type TestBridge } from "../conformance/service.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";
import { type PlayingClient, startClient } from "./play.ts";
import { SERVICES, scenarios } from "./scenarios.ts";
import { goClient, nodeClient, pythonClient, type Toolchain } from "./toolchains.ts";

interface Contender {
  readonly name: string;
  readonly toolchain: Toolchain;
  readonly otherTargets: (path: string) => readonly string[];
}

const scratch = await mkdtemp(join(tmpdir(), "c-"));
const socket = join(scratch, "s");

const contenders: readonly Contender[] = [
  { name: "grpc-js", toolchain: nodeClient(), otherTargets: (path) => [`unix://${path}`] },
  // The C core makes the percent-encoded path its authority.
  { name: "grpcio", toolchain: await pythonClient(), otherTargets: (path) => [`unix://${path}`] },
  {
    name: "grpc-go",
    toolchain: await goClient(join(scratch, "client")),
    otherTargets: (path) => [`unix://${path}`, `gestaltd:${path}`],
  },
];

let worker: TestWorker;
let bridge: TestBridge;

before(async () => {
  worker = await startWorker({
    entry: new URL("./clients.worker.ts", import.meta.url),
    provider: "clients",
    r2Buckets: ["FILES"],
    vars: { [PRESIGN_SECRET_BINDING]: "a secret of no less than 32 bytes" },
  });
  const token = await worker.token();
  bridge = await startBridge({ url: worker.url, token, services: SERVICES, address: { path: socket } });
});
after(async () => {
  await bridge.close();
  await worker.dispose();
  await rm(scratch, { recursive: true });
});

for (const { name, toolchain, otherTargets } of contenders) {
  const skip = "missing" in toolchain ? `needs ${toolchain.missing}` : false;
  describe(name, { skip }, () => {
    let client: PlayingClient;
    before(async () => {
      if ("command" in toolchain) client = await startClient(toolchain.command, toolchain.args);
    });
    after(() => client.close());
    for (const scenario of scenarios) {
      it(scenario.name, () => scenario.run({ client, target: `unix:${socket}`, otherTargets: otherTargets(socket) }));
    }
  });
}
