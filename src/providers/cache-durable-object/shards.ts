// Which object holds a key.

/**
 * FNV-1a over the key's UTF-16 units (32 bits): spreads keys evenly and costs no I/O, unlike SHA-256 in a Worker. It
 * must never change: a key sought in another object is a miss.
 */
export function shardOf(key: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % shards;
}

/** The object's name. It holds the number of shards, so that after a change of it no stale entry is ever read. */
export function objectName(prefix: string, shards: number, shard: number): string {
  return `${prefix}:${shard}/${shards}`;
}

/** The items by the shard of their key. */
export function byShard<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  shards: number,
): [number, Item[]][] {
  return [...Map.groupBy(items, (item) => shardOf(keyOf(item), shards))];
}
