// What the store holds: relationships and models, read in pages and written whole.
import { type AuthorizationHandlers, Code, ConnectError, type Relationship } from "../../worker/index.ts";
import type { WriteOutcome } from "./authorization-object.ts";
import type { DurableObjectAuthorizationConfig } from "./config.ts";
import { contentOf } from "./model.ts";
import type { ModelRow } from "./model-table.ts";
import type { Ask } from "./object-calls.ts";
import { lastOf, nextPage } from "./page-token.ts";
import { keyRowOf, type RelationshipKeyRow, relationshipOf, rowOf } from "./relationship-row.ts";

type Handlers = Required<AuthorizationHandlers<DurableObjectAuthorizationConfig, never>>;

export function relationshipHandlers(ask: Ask): Pick<Handlers, "readRelationships" | "writeRelationships"> {
  return {
    async readRelationships({ subject, relation, resource, modelId, pageSize, pageToken }, request) {
      const filter = {
        resource_type: resource.type,
        resource_id: resource.id,
        relation,
        subject_type: subject.type,
        subject_id: subject.id,
      };
      const listing = ["relationships", ...Object.values(filter)];
      const after = keyOf(await lastOf(listing, pageToken, KEY.length));
      const page = await ask(request, (object) => object.readRelationships(filter, modelId, after, pageSize));
      if (page === undefined) throw unknownModel(modelId);
      return {
        relationships: page.entries.map(relationshipOf),
        modelId: page.modelId,
        ...(await nextPage(listing, page, (row) => KEY.map((column) => row[column]))),
      };
    },

    async writeRelationships({ writes, deletes, modelId }, request) {
      const changes = { writes: writes.map(rowOf), deletes: deletes.map(keyRowOf), modelId };
      const outcome = await ask(request, async (object): Promise<WriteOutcome> => object.writeRelationships(changes));
      if (outcome.state !== "done") throw refused(outcome, writes, modelId);
    },
  };
}

export function modelHandlers(ask: Ask): Pick<Handlers, "getActiveModel" | "listModels" | "writeModel"> {
  return {
    async getActiveModel(request) {
      const row = await ask(request, (object) => object.activeModel());
      return row && refOf(row);
    },

    async listModels({ pageSize, pageToken }, request) {
      const listing = ["models"];
      const [last] = (await lastOf(listing, pageToken, 1)) ?? [];
      const before = last === undefined ? undefined : Number.parseInt(last, 10) || 0;
      const page = await ask(request, (object) => object.listModels(before, pageSize));
      return { models: page.entries.map(refOf), ...(await nextPage(listing, page, (row) => [String(row.number)])) };
    },

    async writeModel({ model }, request) {
      const content = await contentOf(model);
      const row = await ask(request, (object) => object.writeModel(content));
      if (row === undefined) throw new ConnectError("The model was not stored.", Code.Internal);
      return refOf(row);
    },
  };
}

/** Columns of a row's key, in the order that tokens have them. */
const KEY = ["resource_type", "resource_id", "relation", "subject_type", "subject_id"] as const;

function keyOf(parts: readonly string[] | undefined): RelationshipKeyRow | undefined {
  if (parts === undefined) return undefined;
  const [resource_type = "", resource_id = "", relation = "", subject_type = "", subject_id = ""] = parts;
  return { resource_type, resource_id, relation, subject_type, subject_id };
}

function refOf({ id, created_at }: ModelRow) {
  return { id, createdAt: new Date(created_at) };
}

function refused(
  outcome: Exclude<WriteOutcome, { state: "done" }>,
  writes: readonly Relationship[],
  modelId: string | undefined,
): ConnectError {
  switch (outcome.state) {
    case "unknown model":
      return unknownModel(modelId);
    case "no model":
      return new ConnectError("No model is in force: write one before relationships.", Code.FailedPrecondition);
    case "not admitted": {
      const { subject, relation, resource } = writes[outcome.index] ?? {};
      const text =
        `The model ${outcome.modelId} has no relation ${JSON.stringify(relation)} of ${JSON.stringify(subject?.type)} to ` +
        `${JSON.stringify(resource?.type)} (writes[${outcome.index}]). Nothing was written.`;
      return new ConnectError(text, Code.InvalidArgument);
    }
  }
}

function unknownModel(modelId = ""): ConnectError {
  return new ConnectError(`There is no authorization model ${JSON.stringify(modelId)}.`, Code.NotFound);
}
