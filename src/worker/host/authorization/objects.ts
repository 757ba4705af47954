// What authorization is about, as plain values.
import type { JsonObject } from "../../../wire/session-token.ts";

/** Who wants to act. Type and id together identify it. */
export interface AuthorizationSubject {
  readonly type: string;
  readonly id: string;
  readonly properties?: JsonObject | undefined;
}

/** What is acted on. Type and id together identify it. */
export interface AuthorizationResource {
  readonly type: string;
  readonly id: string;
  readonly properties?: JsonObject | undefined;
}

/** What is done; a name alone may stand for one without properties. */
export interface AuthorizationAction {
  readonly name: string;
  readonly properties?: JsonObject | undefined;
}

/** May this subject do this action on this resource? */
export interface AccessEvaluation {
  readonly subject: AuthorizationSubject;
  readonly action: AuthorizationAction | string;
  readonly resource: AuthorizationResource;
  /** Circumstances of the request, for conditions. */
  readonly context?: JsonObject | undefined;
}

export interface AccessDecision {
  readonly allowed: boolean;
  /** Reasons, for people and logs. */
  readonly context: JsonObject | undefined;
  /** The model that decided; undefined when the provider does not say. */
  readonly modelId: string | undefined;
}

/** One page of a longer answer is asked for with these. */
export interface Paging {
  /** Most entries in the page; the provider chooses when left out. */
  readonly pageSize?: number | undefined;
  /** `nextPageToken` of the page before. */
  readonly pageToken?: string | undefined;
}

export interface Page {
  /** Undefined on the last page. */
  readonly nextPageToken: string | undefined;
}

export interface ResourceSearch extends Paging {
  readonly subject: AuthorizationSubject;
  readonly action: AuthorizationAction | string;
  readonly resourceType: string;
  readonly context?: JsonObject | undefined;
}

export interface SubjectSearch extends Paging {
  readonly resource: AuthorizationResource;
  readonly action: AuthorizationAction | string;
  /** Any type when left out. */
  readonly subjectType?: string | undefined;
  readonly context?: JsonObject | undefined;
}

export interface ActionSearch extends Paging {
  readonly subject: AuthorizationSubject;
  readonly resource: AuthorizationResource;
  readonly context?: JsonObject | undefined;
}

export interface AuthorizationMetadata {
  /** For example `search_subjects`. */
  readonly capabilities: readonly string[];
  /** Undefined when no model has been written. */
  readonly activeModelId: string | undefined;
}

/** The subject stands in the relation to the resource. */
export interface Relationship {
  readonly subject: AuthorizationSubject;
  readonly relation: string;
  readonly resource: AuthorizationResource;
  readonly properties?: JsonObject | undefined;
}

/** What identifies a relationship. */
export type RelationshipKey = Omit<Relationship, "properties">;

/** A filter: what is left out matches everything. */
export interface RelationshipFilter extends Paging {
  /** Type and id may each be empty, which matches all. */
  readonly subject?: AuthorizationSubject | undefined;
  readonly relation?: string | undefined;
  readonly resource?: AuthorizationResource | undefined;
  /** The model in force when left out. */
  readonly modelId?: string | undefined;
}

export interface RelationshipWrites {
  /** Storing one that exists is success. */
  readonly writes?: readonly Relationship[] | undefined;
  /** Removing one that does not exist is success. */
  readonly deletes?: readonly RelationshipKey[] | undefined;
  /** The model they were written for. */
  readonly modelId?: string | undefined;
}

/** Names a stored model. */
export interface AuthorizationModelRef {
  /** Depends on the model's content alone. */
  readonly id: string;
  readonly version: string;
  readonly createdAt: Date | undefined;
}

/** Types of resources with their relations and actions. */
export interface AuthorizationModel {
  /** Version of this format: 1. */
  readonly version: number;
  readonly resourceTypes: readonly AuthorizationResourceType[];
}

export interface AuthorizationResourceType {
  readonly name: string;
  /** Relations that subjects of these types can have to a resource of this type. */
  readonly relations: readonly { readonly name: string; readonly subjectTypes: readonly string[] }[];
  /** Actions on it; each of the relations allows the action. */
  readonly actions: readonly { readonly name: string; readonly relations: readonly string[] }[];
}
