// The plugin: notes in its own database, a list in the cache, and a signed copy of it in the bucket.
import { definePlugin, type IndexedDB, OperationError, operation } from "gestalt-edge";
import * as z from "zod";
import { signature } from "./signature.ts";

const config = z.object({
  /** Bucket for what is published. */
  bucket: z.string().default("blobs"),
});

const note = z.object({ id: z.string(), text: z.string(), author: z.string(), written: z.string() });
type Note = z.infer<typeof note>;

const STORE = "notes";
const SCHEMA = { indexes: [{ name: "by_written", keyPath: ["written"] }] };
/** What `list` answers lies in the cache under this key, until somebody writes. */
const LIST = "list";
const LIST_MS = 60_000;
const PUBLISHED = "notes.json";

export const notes = definePlugin({
  displayName: "Notes",
  description: "Keeps notes, and publishes them signed",
  version: "1.0.0",
  config,
  operations: {
    write: operation({
      description: "Writes a note",
      allowedRoles: ["editor"],
      uses: ["indexedDB", "cache"],
      input: z.object({ text: z.string().min(1).max(1000) }),
      output: note,
      handler: async ({ text }, { host, subject }) => {
        const written = new Date().toISOString();
        const added: Note = { id: crypto.randomUUID(), text, author: subject?.id ?? "", written };
        await (await storeOf(host.indexedDB())).add(added);
        await host.cache().delete(LIST);
        return added;
      },
    }),
    list: operation({
      method: "GET",
      description: "Lists the notes, the oldest first",
      readOnly: true,
      allowedRoles: ["editor"],
      uses: ["indexedDB", "cache"],
      output: z.object({ notes: z.array(note), cached: z.boolean() }),
      handler: async (_input, { host }) => {
        const known = await host.cache().get(LIST);
        if (known !== undefined) return { notes: JSON.parse(new TextDecoder().decode(known)), cached: true };
        const found = await all(host.indexedDB());
        await host.cache().set(LIST, JSON.stringify(found), { ttlMs: LIST_MS });
        return { notes: found, cached: false };
      },
    }),
    publish: operation({
      config,
      description: "Puts all notes into the bucket, signed with the caller's key",
      allowedRoles: ["editor"],
      uses: ["indexedDB", "s3"],
      output: z.object({ notes: z.int(), signature: z.string() }),
      handler: async (_input, { config, host, token, log }) => {
        const text = JSON.stringify(await all(host.indexedDB()));
        const signed = await signature(text, token);
        const metadata = { signature: signed };
        const object = host.s3().object(config.bucket, PUBLISHED);
        await object.writeString(text, { contentType: "application/json", metadata });
        const count = JSON.parse(text).length;
        log.info("published", { notes: count });
        return { notes: count, signature: signed };
      },
    }),
    published: operation({
      config,
      method: "GET",
      description: "Reads what was published, and says whether the caller's key has signed it",
      readOnly: true,
      allowedRoles: ["editor"],
      uses: ["s3"],
      output: z.object({ notes: z.array(note), mine: z.boolean() }),
      handler: async (_input, { config, host, token }) => {
        const object = host.s3().object(config.bucket, PUBLISHED);
        if (!(await object.exists())) throw new OperationError(404, { error: "nothing has been published yet" });
        const [{ metadata }, text] = await Promise.all([object.stat(), object.text()]);
        return { notes: JSON.parse(text), mine: metadata?.signature === (await signature(text, token)) };
      },
    }),
  },
});

async function storeOf(database: IndexedDB) {
  // Costs little when it is there. Not in `start`: gestaltd's services may not be up when it starts its plugins.
  await database.createObjectStore(STORE, SCHEMA);
  return database.objectStore<Note>(STORE);
}

async function all(database: IndexedDB): Promise<Note[]> {
  return (await storeOf(database)).index("by_written").getAll();
}
