// The second act: a cache, with an entry that is seen to expire.
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { ProviderKind } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import type { BridgeProcess } from "./bridge-process.ts";
import { handshake } from "./handshake.ts";
import { expect, outcome, type Report } from "./report.ts";

export interface CacheAct {
  readonly bridge: BridgeProcess;
  readonly title: string;
  readonly worker: JsonObject;
}

/** Long enough to be read while it lives, short enough to be seen dying. */
const SHORT_LIFE_MS = 400;
const POLL_MS = 25;

const text = (value: string) => new TextEncoder().encode(value);

export async function playCache(report: Report, { bridge, title, worker }: CacheAct): Promise<void> {
  report.section(title);
  await handshake(report, bridge, { kind: ProviderKind.CACHE, name: "cache", config: { worker } });
  const cache = bridge.client(Cache);
  await report.step("Set and Get", async () => {
    await cache.set({ key: "search:greeting", value: text("ahoy") });
    const { found, value } = await cache.get({ key: "search:greeting" });
    expect(found && new TextDecoder().decode(value) === "ahoy", "the value did not come back");
    return outcome("the value came back");
  });
  await report.step("SetMany and GetMany, with one miss", async () => {
    const entries = ["a", "b", "c"].map((key) => ({ key: `search:${key}`, value: text(key) }));
    await cache.setMany({ entries });
    const keys = ["search:a", "search:b", "search:c", "search:nothing"];
    const hits = (await cache.getMany({ keys })).entries.filter(({ found }) => found);
    expect(hits.length === entries.length, `${hits.length} hits instead of ${entries.length}`);
    return outcome(`${hits.length} hits, 1 miss`);
  });
  await report.step(`Set for ${SHORT_LIFE_MS} ms, Get until it has gone`, async () => {
    const key = "search:short-lived";
    await cache.set({ key, value: text("soon gone"), ttl: { seconds: 0n, nanos: SHORT_LIFE_MS * 1e6 } });
    let reads = 1;
    while ((await cache.get({ key })).found) {
      reads++;
      await delay(POLL_MS);
    }
    return outcome(`found ${reads - 1} times, then gone`);
  });
  await report.step("DeleteMany", async () => {
    const keys = ["search:a", "search:b", "search:c", "search:greeting", "search:short-lived"];
    const { deleted } = await cache.deleteMany({ keys });
    expect(deleted === 4n, `${deleted} deleted instead of 4`);
    return outcome(`${deleted} of ${keys.length} existed`);
  });
}
