// `npm run soak`: what is too long for `npm test`. An object of 256 MiB each way through host.s3: handler, channel, bridge, gestaltd.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { atEnd, workingProcess } from "../support/bridge-process.ts";
import { startHostHarness } from "../support/host-harness.ts";

const MIB = 1024 * 1024;
const OBJECT_BYTES = 256 * MIB;

/** Most that the bridge may grow by, in bytes: windows and read-ahead are far smaller, the rest is what Node collects late. */
const MAX_GROWTH_BYTES = 160 * MIB;
const SAMPLE_MS = 50;

it("256 MiB each way, with bounded memory in the bridge", { timeout: 600_000 }, async (t) => {
  const scenarios = new URL("../bridge-channel/channel.worker.ts", import.meta.url);
  const { bridge, run } = await startHostHarness(t, { scenarios, hosts: ["CACHE", "S3"], via: "tcp" });
  await run("streams", { bytes: MIB });
  const pid = await workingProcess(bridge);
  const before = residentBytes(pid);
  let largest = before;
  const sampling = setInterval(() => {
    largest = Math.max(largest, residentBytes(pid));
  }, SAMPLE_MS);
  atEnd(t, () => clearInterval(sampling));
  const began = performance.now();
  assert.equal(await run("streams", { bytes: OBJECT_BYTES }), OBJECT_BYTES);
  const seconds = (performance.now() - began) / 1000;
  const growth = largest - before;
  t.diagnostic(
    `${Math.round((2 * OBJECT_BYTES) / MIB / seconds)} MiB/s, the bridge grew by ${Math.round(growth / MIB)} MiB`,
  );
  assert.ok(growth < MAX_GROWTH_BYTES, `the bridge grew by ${Math.round(growth / MIB)} MiB`);
});

/** Memory of a process that is in RAM, in bytes. */
function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}
