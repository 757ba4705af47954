// Scenarios for host.cache.
import { type Scenario, thrownBy } from "../support/scenarios.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

export const readsAndWrites: Scenario = async ({ cache }) => {
  const main = cache("main");
  await main.set("text", "grüße");
  await main.set("bytes", bytes("raw"));
  await main.set("buffer", Uint8Array.from(bytes("buffer")).buffer);
  await main.set("empty", "");
  return {
    text: await main.get("text"),
    bytes: await main.get("bytes"),
    buffer: await main.get("buffer"),
    empty: await main.get("empty"),
    miss: await main.get("never"),
    many: await main.getMany(["text", "never", "empty", "text", "__proto__"]),
    none: await main.getMany([]),
  };
};

export const batches: Scenario = async ({ cache }) => {
  const main = cache("main");
  await main.setMany([]);
  await main.setMany([
    { key: "a", value: "1" },
    { key: "b", value: bytes("2") },
    { key: "__proto__", value: "3" },
  ]);
  return {
    many: await main.getMany(new Set(["a", "b", "__proto__"])),
    deleted: await main.deleteMany(["a", "a", "b", "never"]),
    none: await main.deleteMany([]),
    first: await main.delete("__proto__"),
    again: await main.delete("__proto__"),
  };
};

export const lifetimes: Scenario = async ({ cache }, { ttlMs }) => {
  const main = cache("main");
  await main.set("k", "v", { ttlMs: Number(ttlMs) });
  await main.touch("k", { ttlMs: Number(ttlMs) });
};

export const forgets: Scenario = async ({ cache }) => {
  const main = cache("main");
  // Long enough for the call after it on a busy machine; the last to be set is the last to expire.
  const ttlMs = 300;
  await main.set("kept", "v", { ttlMs });
  await main.touch("kept");
  await main.set("replaced", "v", { ttlMs });
  await main.set("replaced", "w");
  await main.set("short", "v", { ttlMs });
  while ((await main.get("short")) !== undefined);
  return { touch: await main.touch("short"), left: await main.getMany(["short", "kept", "replaced"]) };
};

export const bindings: Scenario = async ({ cache }) => {
  await cache("main").set("k", "in main");
  await cache("side-car").set("k", "in side");
  return {
    main: await cache("MAIN").get("k"),
    side: await cache("side_car").get("k"),
    unnamed: await thrownBy(() => cache()),
    unknown: await thrownBy(() => cache("other")),
  };
};

export const refusals: Scenario = async ({ cache }) => {
  const main = cache("main");
  const large = new Uint8Array(4 * 1024 * 1024);
  const half = large.subarray(1 + large.length / 2);
  return {
    zero: await thrownBy(() => main.set("refused", "v", { ttlMs: 0 })),
    negative: await thrownBy(() => main.touch("k", { ttlMs: -1 })),
    nan: await thrownBy(() => main.setMany([{ key: "refused", value: "v" }], { ttlMs: Number.NaN })),
    large: await thrownBy(() => main.set("refused", large)),
    together: await thrownBy(() =>
      main.setMany([
        { key: "a", value: half },
        { key: "b", value: half },
        { key: "c", value: half },
      ]),
    ),
    written: await main.getMany(["refused", "a", "b", "c"]),
  };
};

export const cancelled: Scenario = async ({ cache }) => ({
  already: await thrownBy(() => cache("main").get("k", { signal: AbortSignal.abort() })),
  timeout: await thrownBy(() => cache("main").get("slow", { timeoutMs: 20 })),
});
