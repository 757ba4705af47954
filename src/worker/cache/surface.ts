// The Cache service in terms of a cache's handlers: checks what comes in, and answers as gestaltd expects.
import { Cache } from "../../gen/gestalt/provider/v1/cache_pb.ts";
import type { Call, ProviderRequest } from "../call.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { type Surface, surface } from "../surface.ts";
import type { CompleteCacheHandlers } from "./batches.ts";
import { checkKey, checkValue, ReplyBudget } from "./sizes.ts";
import { ttlFromDuration } from "./ttl.ts";

export function cacheSurface<Config>(handlers: CompleteCacheHandlers<Config>): Surface {
  const request = (call: Call): ProviderRequest<Config> => providerRequest<Config>(call);
  return surface(Cache, {
    async get({ key }, call) {
      checkKey(key);
      const value = await handlers.get({ key }, request(call));
      if (value === null || value === undefined) return { found: false };
      checkValue(key, value);
      return { found: true, value: value };
    },

    async getMany({ keys }, call) {
      const distinct = distinctKeys(keys);
      const found = distinct.length === 0 ? new Map() : await handlers.getMany({ keys: distinct }, request(call));
      const budget = new ReplyBudget(keys.length);
      // Every key is answered in the order asked, misses and duplicates too, as gestaltd's own stub does.
      const entries = keys.map((key) => {
        const value = found.get(key);
        budget.add(key, value?.byteLength ?? 0);
        return value === null || value === undefined ? { key, found: false } : { key, found: true, value: value };
      });
      return { entries };
    },

    async set({ key, value, ttl }, call) {
      checkKey(key);
      checkValue(key, value);
      await handlers.set({ key, value, ttl: ttlFromDuration(ttl) }, request(call));
      return {};
    },

    async setMany({ entries, ttl }, call) {
      // The last of several values for one key wins, as if they had been set one after the other.
      const byKey = new Map<string, Uint8Array>();
      for (const { key, value } of entries) {
        checkKey(key);
        checkValue(key, value);
        byKey.set(key, value);
      }
      const milliseconds = ttlFromDuration(ttl);
      const distinct = Array.from(byKey, ([key, value]) => ({ key, value }));
      if (distinct.length > 0) await handlers.setMany({ entries: distinct, ttl: milliseconds }, request(call));
      return {};
    },

    async delete({ key }, call) {
      checkKey(key);
      return { deleted: await handlers.delete({ key }, request(call)) };
    },

    async deleteMany({ keys }, call) {
      const distinct = distinctKeys(keys);
      if (distinct.length === 0) return { deleted: 0n };
      return { deleted: BigInt(await handlers.deleteMany({ keys: distinct }, request(call))) };
    },

    async touch({ key, ttl }, call) {
      checkKey(key);
      return { touched: await handlers.touch({ key, ttl: ttlFromDuration(ttl) }, request(call)) };
    },
  });
}

function distinctKeys(keys: readonly string[]): string[] {
  const distinct = [...new Set(keys)];
  distinct.forEach(checkKey);
  return distinct;
}
