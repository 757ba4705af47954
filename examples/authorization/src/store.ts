// Model and relationships as records of gestaltd's database. The key of a relationship is all there is to it.
import {
  type AuthorizationModel,
  type IndexedDB,
  KeyRange,
  type RelationshipKey,
  type RelationshipReadInput,
  type RelationshipWriteInput,
} from "gestalt-edge";

export interface ActiveModel {
  readonly id: string;
  readonly model: AuthorizationModel;
}

// gestaltd's own stores and those of plugins may lie in the same database.
const MODELS = "edge_policies_models";
const RELATIONSHIPS = "edge_policies_relationships";
const ACTIVE = "active";

export function storeOf(database: IndexedDB) {
  const models = database.objectStore(MODELS);
  const relationships = database.objectStore(RELATIONSHIPS);
  return {
    /** May run at every start. */
    async create(): Promise<void> {
      await database.createObjectStore(MODELS);
      await database.createObjectStore(RELATIONSHIPS);
    },
    async active(): Promise<ActiveModel | undefined> {
      const [record] = await models.getAll(KeyRange.only(ACTIVE));
      return record && { id: String(record.model), model: JSON.parse(String(record.content)) };
    },
    /** The id is a digest of the content, so that gestaltd, which writes its model every 5 seconds, always gets the same one. */
    async activate(model: AuthorizationModel): Promise<ActiveModel> {
      const content = JSON.stringify(model);
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content));
      const id = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
      await models.put({ id: ACTIVE, model: id, content });
      return { id, model };
    },
    async has(key: RelationshipKey): Promise<boolean> {
      return (await relationships.count(KeyRange.only(keyOf(key)))) > 0;
    },
    /** Reads what is left of the store for each page: fine for some thousands. */
    async read({ subject, relation, resource, pageSize, pageToken }: RelationshipReadInput) {
      const keys = await relationships.getAllKeys(pageToken === undefined ? {} : KeyRange.lowerBound(pageToken, true));
      const fits = (value: string, wanted: string | undefined) => wanted === undefined || value === wanted;
      const found = keys
        .map(relationshipOf)
        .filter(
          (one) =>
            fits(one.subject.type, subject.type) &&
            fits(one.subject.id, subject.id) &&
            fits(one.relation, relation) &&
            fits(one.resource.type, resource.type) &&
            fits(one.resource.id, resource.id),
        );
      const page = found.slice(0, pageSize);
      const last = page.at(-1);
      return { relationships: page, ...(found.length > pageSize && last && { nextPageToken: keyOf(last) }) };
    },
    /** All of it or nothing. */
    async change({ writes, deletes }: RelationshipWriteInput): Promise<void> {
      await database.transaction(RELATIONSHIPS, "readwrite", async (transaction) => {
        const store = transaction.objectStore(RELATIONSHIPS);
        for (const key of deletes) await store.delete(keyOf(key));
        for (const relationship of writes) await store.put({ id: keyOf(relationship) });
      });
    },
  };
}

function keyOf({ subject, relation, resource }: RelationshipKey): string {
  return JSON.stringify([resource.type, resource.id, relation, subject.type, subject.id]);
}

function relationshipOf(key: string): RelationshipKey {
  const [resourceType, resourceId, relation, type, id] = JSON.parse(key) as [string, string, string, string, string];
  return { subject: { type, id }, relation, resource: { type: resourceType, id: resourceId } };
}
