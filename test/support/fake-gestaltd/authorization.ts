// AuthorizationProvider in memory: relationships, models, and decisions by them (reference §4.6).
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type AccessEvaluationRequest,
  type Action,
  type AuthorizationModel,
  type AuthorizationModelRef,
  AuthorizationModelRefSchema,
  type AuthorizationProvider,
  type Relationship,
  type RelationshipKey,
  type Resource,
  type Subject,
} from "../../../src/gen/gestalt/provider/v1/authorization_pb.ts";

export interface FakeAuthorizationOptions {
  /** As gestaltd answers plugins: SearchSubjects and GetMetadata, nothing else. May change at any time. */
  onlyForPlugins: boolean;
}

type Implementation = ServiceImpl<typeof AuthorizationProvider>;

export function createAuthorization(options: FakeAuthorizationOptions): Implementation {
  const relationships = new Map<string, Relationship>();
  const models = new Map<string, { readonly ref: AuthorizationModelRef; readonly model: AuthorizationModel }>();
  let active: string | undefined;

  const relationsFor = (resourceType: string, action: string) =>
    models
      .get(active ?? "")
      ?.model.resourceTypes.find(({ name }) => name === resourceType)
      ?.actions.find(({ name }) => name === action)?.relations ?? [];
  const allowed = (resource: Resource | undefined, action: Action | undefined) => {
    const relations = relationsFor(resource?.type ?? "", action?.name ?? "");
    return [...relationships.values()].filter(({ relation }) => relations.includes(relation));
  };
  const decide = ({ subject, action, resource, context }: AccessEvaluationRequest) => {
    const grounds = allowed(resource, action).filter(
      (one) => same(one.subject, subject) && same(one.resource, resource),
    );
    return { allowed: grounds.length > 0, modelId: active ?? "", ...(context && { context }) };
  };
  const all: Implementation = {
    evaluate: decide,
    evaluateMany: ({ requests }) => ({ decisions: requests.map(decide) }),
    searchResources({ subject, action, resourceType, pageSize, pageToken }) {
      const found = allowed({ type: resourceType } as Resource, action).filter(
        (one) => same(one.subject, subject) && one.resource?.type === resourceType,
      );
      const { items, nextPageToken } = page(unique(found.map(({ resource }) => resource)), pageSize, pageToken);
      return { resources: items, nextPageToken, modelId: active ?? "" };
    },
    searchSubjects({ resource, action, subjectType, pageSize, pageToken }) {
      const found = allowed(resource, action).filter(
        (one) => same(one.resource, resource) && (subjectType === "" || one.subject?.type === subjectType),
      );
      const { items, nextPageToken } = page(unique(found.map(({ subject }) => subject)), pageSize, pageToken);
      return { subjects: items, nextPageToken, modelId: active ?? "" };
    },
    searchActions({ subject, resource, pageSize, pageToken }) {
      const type = models.get(active ?? "")?.model.resourceTypes.find(({ name }) => name === resource?.type);
      const held = [...relationships.values()].filter(
        (one) => same(one.subject, subject) && same(one.resource, resource),
      );
      const can = (type?.actions ?? []).filter(({ relations }) =>
        held.some(({ relation }) => relations.includes(relation)),
      );
      const { items, nextPageToken } = page(can, pageSize, pageToken);
      return { actions: items.map(({ name }) => ({ name })), nextPageToken, modelId: active ?? "" };
    },
    getMetadata: () => ({ capabilities: ["search_subjects"], activeModelId: active ?? "" }),
    readRelationships({ subject, relation, resource, pageSize, pageToken }) {
      const found = [...relationships.values()].filter(
        (one) =>
          matches(one.subject, subject) &&
          (relation === "" || one.relation === relation) &&
          matches(one.resource, resource),
      );
      const { items, nextPageToken } = page(found, pageSize, pageToken);
      return { relationships: items, nextPageToken, modelId: active ?? "" };
    },
    writeRelationships({ writes, deletes }) {
      for (const one of writes) relationships.set(keyOf(one), one);
      for (const one of deletes) relationships.delete(keyOf(one));
      return {};
    },
    getActiveModel: () => {
      const model = models.get(active ?? "")?.ref;
      return model === undefined ? {} : { model };
    },
    listModels({ pageSize, pageToken }) {
      const { items, nextPageToken } = page([...models.values()], pageSize, pageToken);
      return { models: items.map(({ ref }) => ref), nextPageToken };
    },
    writeModel({ model }) {
      if (model === undefined) throw new ConnectError("model is required", Code.InvalidArgument);
      const id = `model-${model.resourceTypes.map(({ name }) => name).join("-")}`;
      const createdAt = timestampFromMs(Date.now());
      const ref = models.get(id)?.ref ?? create(AuthorizationModelRefSchema, { id, version: "1", createdAt });
      models.set(id, { ref, model });
      active = id;
      return ref;
    },
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, method]) => {
      if (name === "searchSubjects" || name === "getMetadata") return [name, method];
      const checked = (...call: [never, never]) => {
        if (options.onlyForPlugins) throw new ConnectError("not available to plugins", Code.Unimplemented);
        return (method as (...call: [never, never]) => unknown)(...call);
      };
      return [name, checked];
    }),
  ) as unknown as Implementation;
}

type Entity = Pick<Subject | Resource, "type" | "id">;

function same(one: Entity | undefined, other: Entity | undefined): boolean {
  return one?.type === other?.type && one?.id === other?.id;
}

function matches(one: Entity | undefined, filter: Entity | undefined): boolean {
  const { type = "", id = "" } = filter ?? {};
  return (type === "" || one?.type === type) && (id === "" || one?.id === id);
}

function keyOf({ subject, relation, resource }: Relationship | RelationshipKey): string {
  return JSON.stringify([subject?.type, subject?.id, relation, resource?.type, resource?.id]);
}

function unique<T extends Entity>(entities: readonly (T | undefined)[]): T[] {
  const byKey = new Map<string, T>();
  for (const entity of entities) if (entity !== undefined) byKey.set(JSON.stringify([entity.type, entity.id]), entity);
  return [...byKey.values()];
}

function page<T>(all: readonly T[], size: number, token: string) {
  const from = token === "" ? 0 : Number(token);
  const to = size > 0 ? from + size : all.length;
  return { items: all.slice(from, to), nextPageToken: to < all.length ? String(to) : "" };
}
