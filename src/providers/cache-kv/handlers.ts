// The cache's handlers on a KV namespace.
import {
  type CacheHandlers,
  type CacheTtl,
  inParallel,
  type ProviderRequest,
  ReplyBudget,
} from "../../worker/index.ts";
import type { KvCacheConfig } from "./config.ts";
import { decodeText, encode, metadataOf, putOptions } from "./entry.ts";
import { packKeyed, unpackKeyed } from "./keyed-value.ts";
import { MAX_BULK_KEYS } from "./limits.ts";
import { type Name, nameOf } from "./names.ts";
import type { Namespace } from "./namespace.ts";

/** What the handlers need for one call. */
export interface KvCall {
  readonly kv: Namespace;
  readonly prefix: string;
  /** Milliseconds since the epoch. Asked anew after each read: a Worker's clock moves only with I/O. */
  readonly now: () => number;
}

type Request = ProviderRequest<KvCacheConfig>;

export function kvCacheHandlers(open: (request: Request) => KvCall): Required<CacheHandlers<KvCacheConfig>> {
  return {
    get: ({ key }, request) => get(open(request), key),
    set: ({ key, value, ttl }, request) => set(open(request), key, value, ttl),
    delete: ({ key }, request) => remove(open(request), key),
    touch: ({ key, ttl }, request) => touch(open(request), key, ttl),
    getMany: ({ keys }, request) => getMany(open(request), keys),
    setMany: ({ entries, ttl }, request) => {
      const call = open(request);
      call.kv.plan(entries.length);
      return inParallel(entries, ({ key, value }) => set(call, key, value, ttl));
    },
    deleteMany: ({ keys }, request) => removeMany(open(request), keys),
  };
}

async function get({ kv, prefix, now }: KvCall, key: string): Promise<Uint8Array | undefined> {
  const name = await nameOf(prefix, key);
  const bytes = await kv.read(name.name, now);
  return bytes && ownValue(name, key, bytes);
}

async function getMany({ kv, prefix, now }: KvCall, keys: readonly string[]): Promise<Map<string, Uint8Array>> {
  const named = await namesOf(prefix, keys);
  const found = new Map<string, Uint8Array>();
  const budget = new ReplyBudget(keys.length);
  const add = (name: string, bytes: Uint8Array) => {
    const wanted = named.get(name);
    const value = wanted && ownValue(wanted, wanted.key, bytes);
    if (wanted === undefined || value === undefined) return;
    budget.add(wanted.key, value.byteLength);
    found.set(wanted.key, value);
  };
  const large: string[] = [];
  await kv.readMany([...named.keys()], now, ({ name, text, metadata }) => {
    const bytes = text === undefined ? undefined : decodeText(metadata.form, text);
    if (bytes === undefined) large.push(name);
    else add(name, bytes);
  });
  await inParallel(large, async (name) => {
    const bytes = await kv.read(name, now);
    if (bytes !== undefined) add(name, bytes);
  });
  return found;
}

async function set({ kv, prefix, now }: KvCall, key: string, value: Uint8Array, ttl: CacheTtl): Promise<void> {
  const { name, hashed } = await nameOf(prefix, key);
  const { form, stored } = encode(hashed ? packKeyed(key, value) : value);
  await kv.write(name, stored, putOptions(metadataOf(form, ttl, now()), ttl));
}

/** Writes the entry anew: KV has no other way to change its metadata or expiry. A Set that lands in between is lost. */
async function touch({ kv, prefix, now }: KvCall, key: string, ttl: CacheTtl): Promise<boolean> {
  const name = await nameOf(prefix, key);
  const bytes = await kv.read(name.name, now);
  if (bytes === undefined || ownValue(name, key, bytes) === undefined) return false;
  const { form, stored } = encode(bytes);
  await kv.write(name.name, stored, putOptions(metadataOf(form, ttl, now()), ttl));
  return true;
}

/** Deletes also what this location does not see: its "missing" may be up to a minute old, and the entry there. */
async function remove({ kv, prefix, now }: KvCall, key: string): Promise<boolean> {
  const { name } = await nameOf(prefix, key);
  const existed = await kv.exists(name, now);
  await kv.remove(name);
  return existed;
}

async function removeMany({ kv, prefix, now }: KvCall, keys: readonly string[]): Promise<number> {
  kv.plan(keys.length + Math.ceil(keys.length / MAX_BULK_KEYS));
  const names = [...(await namesOf(prefix, keys)).keys()];
  let existed = 0;
  await kv.readMany(names, now, () => existed++);
  await inParallel(names, (name) => kv.remove(name));
  return existed;
}

async function namesOf(prefix: string, keys: readonly string[]): Promise<Map<string, Name & { readonly key: string }>> {
  const named = await Promise.all(keys.map(async (key) => ({ key, ...(await nameOf(prefix, key)) })));
  return new Map(named.map((each) => [each.name, each]));
}

function ownValue({ hashed }: Name, key: string, bytes: Uint8Array): Uint8Array | undefined {
  return hashed ? unpackKeyed(key, bytes) : bytes;
}
