// Cache in memory, as gestaltd offers it to plugins: keys of one plugin and binding only (reference §4.1).
import type { Duration } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { Cache } from "../../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { callerOf } from "./caller.ts";

interface Entry {
  readonly value: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** `lifetimes` gets those of Set, SetMany and Touch, as they came. */
export function createCache(lifetimes: (Duration | undefined)[] = []): ServiceImpl<typeof Cache> {
  const entries = new Map<string, Entry>();
  const find = (key: string) => {
    const entry = entries.get(key);
    return entry === undefined || entry.expires <= Date.now() ? undefined : entry;
  };
  const remove = (key: string) => find(key) !== undefined && entries.delete(key);
  return {
    get({ key }, context) {
      const entry = find(scoped(context, key));
      return { found: entry !== undefined, value: entry?.value ?? new Uint8Array() };
    },
    getMany: ({ keys }, context) => ({
      entries: keys.map((key) => {
        const entry = find(scoped(context, key));
        return { key, found: entry !== undefined, value: entry?.value ?? new Uint8Array() };
      }),
    }),
    set({ key, value, ttl }, context) {
      lifetimes.push(ttl);
      entries.set(scoped(context, key), { value, expires: expiryOf(ttl) });
      return {};
    },
    setMany({ entries: given, ttl }, context) {
      lifetimes.push(ttl);
      for (const { key, value } of given) entries.set(scoped(context, key), { value, expires: expiryOf(ttl) });
      return {};
    },
    delete: ({ key }, context) => ({ deleted: remove(scoped(context, key)) }),
    deleteMany: ({ keys }, context) => ({
      deleted: BigInt(keys.filter((key) => remove(scoped(context, key))).length),
    }),
    touch({ key, ttl }, context) {
      lifetimes.push(ttl);
      const entry = find(scoped(context, key));
      if (entry !== undefined) entries.set(scoped(context, key), { ...entry, expires: expiryOf(ttl) });
      return { touched: entry !== undefined };
    },
  };
}

/** gestaltd takes the cache by its binding; `GESTALT_CACHE_SOCKET` is another name of the only one, and here one of its own. */
function scoped(context: HandlerContext, key: string): string {
  const { plugin, variable } = callerOf(context);
  return [variable, `${plugin}:${key}`].join("\n");
}

function expiryOf(ttl: Duration | undefined): number {
  if (ttl === undefined) return Infinity;
  const milliseconds = Number(ttl.seconds) * 1000 + ttl.nanos / 1e6;
  if (milliseconds < 0) throw new ConnectError("ttl must not be negative", Code.InvalidArgument);
  return milliseconds === 0 ? Infinity : Date.now() + milliseconds;
}
