// The worker behind the bridge under test: a cache that tells what its session carries, a second cache, an object store,
// a plugin.
import { z } from "zod";
import { kvCache } from "../../../src/providers/cache-kv/index.ts";
import { r2ObjectStore } from "../../../src/providers/s3-r2/index.ts";
import { defineCacheProvider, definePlugin, operation, serve } from "../../../src/worker/index.ts";

/** Longer than any test, in milliseconds. */
const FOR_EVER_MS = 600_000;

const encoder = new TextEncoder();

/** How often `configure` ran, by the config's `mark`. */
const configurations = new Map<unknown, number>();

const telling = defineCacheProvider<Record<string, unknown>>({
  displayName: "Telling cache",
  description: "Tells what its session carries.",
  version: "1.2.3",
  configure({ config }) {
    if (config.refuse) throw new Error("must not be configured");
    configurations.set(config.mark, (configurations.get(config.mark) ?? 0) + 1);
  },
  warnings: ({ config }) => (config.warn ? ["be warned"] : []),
  async get({ key }, { name, config, env, bindings }) {
    const kv = bindings.CACHE as KVNamespace;
    if (key === "session") return encoder.encode(JSON.stringify({ name, config, env }));
    if (key === "configurations") return encoder.encode(String(configurations.get(config.mark)));
    if (key === "slow") await scheduler.wait(FOR_EVER_MS);
    if (key !== "second-time") return encoder.encode((await kv.get(key)) ?? "");
    // Never answers the first time it is asked, in whichever workerd that is; at once afterwards.
    if ((await kv.get("asked")) !== null) return encoder.encode("answered");
    await kv.put("asked", "yes");
    await scheduler.wait(FOR_EVER_MS);
    return null;
  },
  set() {},
  async delete({ key }, { bindings }) {
    await (bindings.CACHE as KVNamespace).put("deleting", key);
    await scheduler.wait(FOR_EVER_MS);
    return false;
  },
  touch: () => false,
});

const search = definePlugin({
  displayName: "Search",
  operations: [
    operation({
      id: "tell",
      method: "POST",
      description: "Tells what the session carries.",
      input: z.object({ word: z.string() }),
      handler: ({ word }, { name, config, env }) => ({ word, name, config, env }),
    }),
  ],
});

export default serve({ telling, kv: kvCache(), blobs: r2ObjectStore({ buckets: { blobs: "BLOBS" } }), search });
