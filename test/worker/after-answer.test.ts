// What a handler leaves to `waitUntil`: it goes on, its failure is told, and the request ends with it.
import { after, before, suite, test } from "node:test";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { until } from "../support/bridge-process.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

suite("after the answer", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  const log: string[] = [];
  before(async () => {
    const entry = new URL("./after-answer.worker.ts", import.meta.url);
    worker = await startWorker({ entry, provider: "cache", onLog: (line) => log.push(line) });
  });
  after(() => worker.dispose());

  test("a look at the signal does not keep the request for good", async () => {
    const count = 10;
    await Promise.all(Array.from({ length: count }, () => worker.client(Cache).get({ key: "k" })));
    await until(async () => {
      const { waiting, looked } = (await (await worker.fetch("/waiting")).json()) as Record<string, number>;
      return looked === count && waiting === 0;
    }, "nothing is waited for");
  });

  test("work that fails is told to the log", async () => {
    await worker.client(Cache).get({ key: "fails" });
    await until(() => log.some((line) => /waitUntil.*it did not work out/.test(line)), "the log has it");
  });
});
