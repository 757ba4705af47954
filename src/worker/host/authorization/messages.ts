// Between the protocol's messages and the plain values of authorization.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as wire from "../../../gen/gestalt/provider/v1/authorization_pb.ts";
import { countOf, dateOf, required, structOf, textOf } from "../fields.ts";
import type {
  AccessDecision,
  AccessEvaluation,
  AuthorizationAction,
  AuthorizationModel,
  AuthorizationModelRef,
  AuthorizationResource,
  AuthorizationSubject,
  Page,
  Paging,
  Relationship,
  RelationshipKey,
} from "./objects.ts";

/** Subjects and resources have one shape. */
type Entity = AuthorizationSubject | AuthorizationResource;

export function entityTo({ type, id, properties }: Entity) {
  return { type, id, ...withProperties(properties) };
}

export function actionTo(action: AuthorizationAction | string) {
  if (typeof action === "string") return { name: action };
  return { name: action.name, ...withProperties(action.properties) };
}

export function evaluationTo(
  evaluation: AccessEvaluation,
): MessageInitShape<typeof wire.AccessEvaluationRequestSchema> {
  const { subject, action, resource, context } = evaluation;
  return {
    subject: entityTo(subject),
    action: actionTo(action),
    resource: entityTo(resource),
    ...contextTo(context),
  };
}

export function contextTo(context: AccessEvaluation["context"]) {
  const struct = structOf(context, "context");
  return struct === undefined ? {} : { context: struct };
}

export function pagingTo({ pageSize, pageToken = "" }: Paging) {
  return { pageSize: countOf(pageSize, "pageSize"), pageToken };
}

export function relationshipTo(relationship: Relationship) {
  return { ...relationshipKeyTo(relationship), ...withProperties(relationship.properties) };
}

export function relationshipKeyTo({ subject, relation, resource }: RelationshipKey) {
  return { subject: entityTo(subject), relation, resource: entityTo(resource) };
}

export function modelTo({ version, resourceTypes }: AuthorizationModel) {
  return {
    version: countOf(version, "version"),
    resourceTypes: resourceTypes.map(({ name, relations, actions }) => ({
      name,
      relations: relations.map((relation) => ({ name: relation.name, subjectTypes: [...relation.subjectTypes] })),
      actions: actions.map((action) => ({ name: action.name, relations: [...action.relations] })),
    })),
  };
}

export function entityFrom({ type, id, properties }: wire.Subject | wire.Resource): Entity {
  return { type, id, ...(properties === undefined ? {} : { properties }) };
}

export function actionFrom({ name, properties }: wire.Action): AuthorizationAction {
  return { name, ...(properties === undefined ? {} : { properties }) };
}

export function decisionFrom({ allowed, context, modelId }: wire.AccessDecision): AccessDecision {
  return { allowed, context, modelId: textOf(modelId) };
}

export function pageFrom({ nextPageToken }: { readonly nextPageToken: string }): Page {
  return { nextPageToken: textOf(nextPageToken) };
}

export function relationshipFrom({ subject, relation, resource, properties }: wire.Relationship): Relationship {
  return {
    subject: entityFrom(required(subject, "subject of a relationship")),
    relation,
    resource: entityFrom(required(resource, "resource of a relationship")),
    ...(properties === undefined ? {} : { properties }),
  };
}

export function modelRefFrom({ id, version, createdAt }: wire.AuthorizationModelRef): AuthorizationModelRef {
  return { id, version, createdAt: dateOf(createdAt) };
}

function withProperties(properties: AuthorizationSubject["properties"]) {
  const struct = structOf(properties, "properties");
  return struct === undefined ? {} : { properties: struct };
}
