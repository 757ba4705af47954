// What types forbid, and values from JSON or from JavaScript bring all the same.
import type { RuntimeLogEntry, S3PresignOptions, S3ReadOptions } from "../../src/worker/index.ts";
import { type Scenario, thrownBy } from "../support/scenarios.ts";

const NO_DATE = new Date(Number.NaN);

export const refused: Scenario = async ({ cache, s3, runtimeLogs }) => {
  const object = s3().object("b", "refused");
  const set = (value: unknown) => thrownBy(() => cache().set("refused", value as string));
  const write = (body: unknown) => thrownBy(() => object.write(body as string));
  const read = (options: unknown) => thrownBy(() => object.bytes(options as S3ReadOptions));
  const presign = (options: unknown) => thrownBy(() => object.presign(options as S3PresignOptions));
  const log = (entry: object) => thrownBy(() => runtimeLogs.append({ message: "x", ...entry } as RuntimeLogEntry));
  return {
    number: await set(5),
    nothing: await set(undefined),
    none: await set(null),
    many: await thrownBy(() => cache().setMany([{ key: "refused", value: {} as string }])),
    body: await write(5),
    noBody: await write(undefined),
    piece: await write([5, 6]),
    pieces: await write(new Blob(["x"]).stream().pipeThrough(new TransformStream({ transform: five }))),
    date: await read({ ifModifiedSince: NO_DATE }),
    dateText: await read({ ifUnmodifiedSince: "2026-01-01T00:00:00Z" }),
    method: await presign({ method: "PATCH" }),
    inherited: await presign({ method: "constructor" }),
    stream: await log({ stream: "stdin" }),
    observed: await log({ observedAt: NO_DATE }),
    large: await log({ sourceSeq: 2n ** 63n }),
    negative: await log({ sourceSeq: -1n }),
  };
};

function five(_chunk: unknown, controller: TransformStreamDefaultController) {
  controller.enqueue(5);
}

export const left: Scenario = async ({ cache, s3 }) => [
  await cache().get("refused"),
  await s3().object("b", "refused").exists(),
];
