// Scenarios over a real channel: what a provider's handlers do with it, in bulk.
import type { Scenario } from "../support/scenarios.ts";

const BUCKET = "docs";
const PIECE_BYTES = 256 * 1024;

export const keeps: Scenario = async ({ cache }, { key, value }) => {
  await cache().set(String(key), String(value));
  return cache().get(String(key));
};

export const reads: Scenario = ({ cache }, { key }) => cache().get(String(key));

/** So many calls at once; how many were answered rightly. */
export const many: Scenario = async ({ cache }, { calls }) => {
  const values = Array.from({ length: Number(calls) }, (_, i) => `value ${i}`);
  await cache().setMany(values.map((value) => ({ key: value, value })));
  const answers = await Promise.all(values.map((value) => cache().get(value)));
  return answers.filter((answer, i) => answer !== undefined && new TextDecoder().decode(answer) === values[i]).length;
};

/** Writes an object of so many bytes as a stream, and reads it back as one; how many bytes came. */
export const streams: Scenario = async ({ s3 }, { bytes }) => {
  const object = s3().object(BUCKET, "large");
  await object.write(pieces(Number(bytes)));
  let read = 0;
  for await (const chunk of await object.stream()) read += chunk.length;
  return read;
};

async function* pieces(bytes: number) {
  for (let left = bytes; left > 0; left -= PIECE_BYTES) yield new Uint8Array(Math.min(left, PIECE_BYTES));
}
