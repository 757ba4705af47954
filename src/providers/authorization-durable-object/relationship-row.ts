// A relationship as it lies in SQLite and crosses between worker and object: texts only, properties as JSON.
import type { AuthorizationResource, Relationship, RelationshipKey } from "../../worker/index.ts";

/** A type alias, because rows of SQLite must have an index signature. */
export type RelationshipKeyRow = {
  readonly resource_type: string;
  readonly resource_id: string;
  readonly relation: string;
  readonly subject_type: string;
  readonly subject_id: string;
};

export type RelationshipRow = RelationshipKeyRow & {
  readonly resource_properties: string | null;
  readonly subject_properties: string | null;
  readonly properties: string | null;
};

export function keyRowOf({ subject, relation, resource }: RelationshipKey): RelationshipKeyRow {
  return {
    resource_type: resource.type,
    resource_id: resource.id,
    relation,
    subject_type: subject.type,
    subject_id: subject.id,
  };
}

export function rowOf(relationship: Relationship): RelationshipRow {
  return {
    ...keyRowOf(relationship),
    resource_properties: jsonOf(relationship.resource.properties),
    subject_properties: jsonOf(relationship.subject.properties),
    properties: jsonOf(relationship.properties),
  };
}

export function relationshipOf(row: RelationshipRow): Relationship {
  return {
    subject: entityOf(row.subject_type, row.subject_id, row.subject_properties),
    relation: row.relation,
    resource: entityOf(row.resource_type, row.resource_id, row.resource_properties),
    ...propertiesOf(row.properties),
  };
}

/** A subject or a resource: they have one shape. */
export function entityOf(type: string, id: string, properties: string | null): AuthorizationResource {
  return { type, id, ...propertiesOf(properties) };
}

type Properties = NonNullable<AuthorizationResource["properties"]>;

function propertiesOf(json: string | null): { readonly properties?: Properties } {
  return json === null ? {} : { properties: JSON.parse(json) };
}

function jsonOf(properties: Properties | undefined): string | null {
  return properties === undefined ? null : JSON.stringify(properties);
}
