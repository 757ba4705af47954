// Scenarios of handlers that leave host calls behind.
import type { Scenario } from "../support/scenarios.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export const stored: Scenario = async ({ cache }, { keys }) => [...(await cache().getMany(keys as string[])).keys()];

export const prepared: Scenario = async ({ s3, indexedDB }) => {
  await indexedDB().createObjectStore("o");
  for (const id of ["a", "b"]) await indexedDB().objectStore("o").put({ id });
  await s3().object("b", "large").write(new Uint8Array(3_000_000));
};

/**
 * Calls of each kind that nobody waits for: under way when the handler returns, or begun just then. None is one that
 * gestaltd refuses: a refusal that comes before the end is the author's to handle, and workerd says so.
 */
export const forgotten: Scenario = async ({ cache, plugins, s3, indexedDB, runtimeLogs }, { pauseMs }) => {
  void cache().get("k");
  void plugins.invoke("echo", "empty");
  void s3()
    .object("b", "endless")
    .write(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10)) }));
  void s3().object("b", "large").read();
  void indexedDB().objectStore("o").openCursor().continue();
  void indexedDB().transaction("o", "readwrite", () => new Promise(() => {}));
  void runtimeLogs.writer().getWriter().write("half a line, and\nthe next");
  await pause(Number(pauseMs));
};

/** Streams that were begun, and are read no further. */
export const halfRead: Scenario = async ({ s3, indexedDB }) => {
  const cursor = indexedDB().objectStore("o").openCursor();
  await cursor.continue();
  void cursor.continue();
  const object = s3().object("b", "large");
  const { body } = await object.read();
  await body.getReader().read();
  return (await object.stream()).locked;
};

export const afterwards: Scenario = ({ cache }, _params, { waitUntil }) => {
  waitUntil(pause(20).then(() => cache().set("afterwards", "x")));
};

export const failsAfterwards: Scenario = ({ cache }, _params, { waitUntil }) => {
  waitUntil(pause(20).then(() => cache().set("refused", "x", { ttlMs: 0 })));
};

/** More at once than a channel takes. */
export const crowd: Scenario = async ({ cache }, { count }) => {
  const calls = Array.from({ length: Number(count) }, (_, index) => cache().set(`crowd-${index}`, "x"));
  const ends = await Promise.allSettled(calls);
  const failures = ends.flatMap((end) => (end.status === "rejected" ? [String(end.reason)] : []));
  return { failures: [...new Set(failures)], done: ends.length - failures.length };
};
