// Scenarios for host.runtimeLogs.
import { type Scenario, thrownBy } from "../support/scenarios.ts";

export const appends: Scenario = async ({ runtimeLogs }) => ({
  none: await runtimeLogs.appendLogs([]),
  one: await runtimeLogs.append("plain"),
  dated: await runtimeLogs.append({ message: "dated", stream: "stderr", observedAt: new Date(1000), sourceSeq: 7 }),
  many: await runtimeLogs.appendLogs([
    { message: "a", stream: "runtime", sourceSeq: 2n ** 60n },
    { message: "" },
    { message: "b" },
  ]),
});

export const writes: Scenario = async ({ runtimeLogs }) => {
  const writer = runtimeLogs.writer("stderr").getWriter();
  await writer.write("one\ntw");
  await writer.write(new Uint8Array([0x6f, 0x0d])); // o, CR
  await writer.write(new Uint8Array([0x0a, 0xc3])); // LF, and the first half of ü
  await writer.write(new Uint8Array([0xbc]));
  await writer.write("\n\nlast");
  await writer.close();
};

/** A line without end, whose 16,384th character is the first half of 😀. */
export const writesLong: Scenario = async ({ runtimeLogs }) => {
  const writer = runtimeLogs.writer().getWriter();
  await writer.write(`${"x".repeat(16 * 1024 - 1)}😀${"y".repeat(40_000)}`);
  await writer.write(`${"z\n".repeat(200_000)}`);
  await writer.close();
};

export const refusals: Scenario = async ({ runtimeLogs }) => {
  const writer = runtimeLogs.writer("stdout", { sessionId: "unknown" }).getWriter();
  return {
    unknown: await thrownBy(() => runtimeLogs.append("x", { sessionId: "unknown" })),
    fraction: await thrownBy(() => runtimeLogs.append({ message: "x", sourceSeq: 0.5 })),
    writer: await thrownBy(() => writer.write("x\n")),
  };
};
