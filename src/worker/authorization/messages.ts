// From the protocol's messages to what handlers get. What is malformed is refused here, once for every provider.
import { Code, ConnectError } from "@connectrpc/connect";
import type * as wire from "../../gen/gestalt/provider/v1/authorization_pb.ts";
import type {
  AuthorizationAction,
  AuthorizationResource,
  AuthorizationSubject,
  Relationship,
  RelationshipKey,
} from "../host/authorization/objects.ts";
import { shortened } from "../shortened.ts";
import { checkId, checkName, count, invalid, sizeOf } from "./checks.ts";
import {
  DEFAULT_PAGE_SIZE,
  MAX_EVALUATIONS,
  MAX_PAGE_SIZE,
  MAX_PAGE_TOKEN_LENGTH,
  MAX_PROPERTIES_BYTES,
} from "./limits.ts";
import type {
  ActionSearchInput,
  AuthorizationEvaluation,
  AuthorizationPaging,
  EntityFilter,
  RelationshipReadInput,
  RelationshipWriteInput,
  ResourceSearchInput,
  SubjectSearchInput,
} from "./objects.ts";

export function evaluationFrom({
  subject,
  action,
  resource,
  context,
}: wire.AccessEvaluationRequest): AuthorizationEvaluation {
  return {
    subject: entityFrom(subject, "subject"),
    action: actionFrom(action),
    resource: entityFrom(resource, "resource"),
    context,
  };
}

/** Throws RESOURCE_EXHAUSTED for more questions than one answer has room for. */
export function evaluationsFrom({ requests }: wire.AccessEvaluationsRequest): AuthorizationEvaluation[] {
  if (requests.length > MAX_EVALUATIONS) {
    const text = `${count(requests.length)} evaluations are too many for one call; at most ${count(MAX_EVALUATIONS)} are allowed.`;
    throw new ConnectError(text, Code.ResourceExhausted);
  }
  return requests.map(evaluationFrom);
}

export function subjectSearchFrom(search: wire.SubjectSearchRequest): SubjectSearchInput {
  return {
    resource: entityFrom(search.resource, "resource"),
    action: actionFrom(search.action),
    subjectType: optional(search.subjectType, "subject type", checkName),
    context: search.context,
    ...pagingFrom(search),
  };
}

export function resourceSearchFrom(search: wire.ResourceSearchRequest): ResourceSearchInput {
  return {
    subject: entityFrom(search.subject, "subject"),
    action: actionFrom(search.action),
    resourceType: optional(search.resourceType, "resource type", checkName),
    context: search.context,
    ...pagingFrom(search),
  };
}

export function actionSearchFrom(search: wire.ActionSearchRequest): ActionSearchInput {
  return {
    subject: entityFrom(search.subject, "subject"),
    resource: entityFrom(search.resource, "resource"),
    context: search.context,
    ...pagingFrom(search),
  };
}

export function readFrom(read: wire.ReadRelationshipsRequest): RelationshipReadInput {
  return {
    subject: filterFrom(read.subject, "subject"),
    relation: optional(read.relation, "relation", checkName),
    resource: filterFrom(read.resource, "resource"),
    modelId: optional(read.modelId, "model id", checkName),
    ...pagingFrom(read),
  };
}

/** What is written is not deleted, in whatever order the two came; of several writes of one relationship the last wins. */
export function writeFrom({ writes, deletes, modelId }: wire.WriteRelationshipsRequest): RelationshipWriteInput {
  const written = new Map<string, Relationship>();
  for (const write of writes) {
    const relationship = relationshipFrom(write);
    written.set(keyOf(relationship), relationship);
  }
  const deleted = new Map<string, RelationshipKey>();
  for (const one of deletes) {
    const key = relationshipKeyFrom(one);
    if (!written.has(keyOf(key))) deleted.set(keyOf(key), key);
  }
  return {
    writes: [...written.values()],
    deletes: [...deleted.values()],
    modelId: optional(modelId, "model id", checkName),
  };
}

/** Throws INVALID_ARGUMENT for a negative size; holds a large one to the limit, as pages may be smaller than asked for. */
export function pagingFrom({ pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string }) {
  if (pageSize < 0) throw invalid(`The page size is ${pageSize}; it cannot be negative.`);
  if (pageToken.length > MAX_PAGE_TOKEN_LENGTH) throw invalid("The page token is longer than any that was given out.");
  return {
    pageSize: pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE),
    pageToken: pageToken === "" ? undefined : pageToken,
  } satisfies AuthorizationPaging;
}

type Entity = AuthorizationSubject | AuthorizationResource;

function entityFrom(entity: wire.Subject | wire.Resource | undefined, what: string): Entity {
  if (entity === undefined) throw invalid(`The ${what} is missing.`);
  const { properties } = entity;
  return {
    type: checkName(entity.type, `${what}'s type`),
    id: checkId(entity.id, `${what}'s id`),
    ...(properties && { properties }),
  };
}

function actionFrom(action: wire.Action | undefined): AuthorizationAction {
  const name = checkName(action?.name ?? "", "action's name");
  return { name, ...(action?.properties && { properties: action.properties }) };
}

function filterFrom(entity: wire.Subject | wire.Resource | undefined, what: string): EntityFilter {
  return {
    type: optional(entity?.type ?? "", `${what}'s type`, checkName),
    id: optional(entity?.id ?? "", `${what}'s id`, checkId),
  };
}

function relationshipFrom(relationship: wire.Relationship): Relationship {
  const { properties } = relationship;
  const key = relationshipKeyFrom(relationship);
  const parts = [key.subject.properties, key.resource.properties, properties];
  const bytes = parts.reduce(
    (sum, part) => sum + (part === undefined ? 0 : sizeOf(JSON.stringify(part, checkedNumber))),
    0,
  );
  if (bytes > MAX_PROPERTIES_BYTES) {
    throw invalid(
      `The properties of a relationship have ${count(bytes)} bytes as JSON; the limit is ${count(MAX_PROPERTIES_BYTES)}.`,
    );
  }
  return { ...key, ...(properties && { properties }) };
}

/** For `JSON.stringify`, which would write null. The protocol's binary form can hold what JSON cannot. */
function checkedNumber(name: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw invalid(
    `The property ${JSON.stringify(shortened(name))} of a relationship is ${value}, which JSON has no number for.`,
  );
}

function relationshipKeyFrom({
  subject,
  relation,
  resource,
}: wire.RelationshipKey | wire.Relationship): RelationshipKey {
  return {
    subject: entityFrom(subject, "subject"),
    relation: checkName(relation, "relation"),
    resource: entityFrom(resource, "resource"),
  };
}

/** No part holds a NUL. */
function keyOf({ subject, relation, resource }: RelationshipKey): string {
  return [subject.type, subject.id, relation, resource.type, resource.id].join("\0");
}

/** The protocol says "absent" with an empty string. */
function optional(value: string, what: string, check: (value: string, what: string) => string): string | undefined {
  return value === "" ? undefined : check(value, what);
}
