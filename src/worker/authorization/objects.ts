// What the handlers of an authorization provider get and give, as plain values. The things themselves (subjects, resources,
// relationships, models) are those that `host.authorization` has.
import type { JsonObject } from "../../wire/session-token.ts";
import type {
  AuthorizationAction,
  AuthorizationModelRef,
  AuthorizationResource,
  AuthorizationSubject,
  Relationship,
  RelationshipKey,
} from "../host/authorization/objects.ts";

/** May this subject do this action on this resource? */
export interface AuthorizationEvaluation {
  readonly subject: AuthorizationSubject;
  readonly action: AuthorizationAction;
  readonly resource: AuthorizationResource;
  /** Circumstances of the request. */
  readonly context?: JsonObject | undefined;
}

/** Yes or no, or more than that. */
export type AuthorizationDecision =
  | boolean
  | {
      readonly allowed: boolean;
      /** Reasons, for people and logs. */
      readonly context?: JsonObject | undefined;
      /** The model that decided. When it is not the one gestaltd wrote last, gestaltd takes the decision for a failure. */
      readonly modelId?: string | undefined;
    };

/** The page that is asked for. */
export interface AuthorizationPaging {
  /** Most entries in the page, 1 to 1,000: what the caller wants, held to that, or 100. Fewer do not mean that it is the last. */
  readonly pageSize: number;
  /** `nextPageToken` of the page before; undefined for the first. A caller may send any text. */
  readonly pageToken: string | undefined;
}

/** A page. */
export interface AuthorizationPage {
  /** Undefined, or empty, on the last page. */
  readonly nextPageToken?: string | undefined;
}

/** A page that a model had its part in. */
export interface ModelledPage extends AuthorizationPage {
  readonly modelId?: string | undefined;
}

export interface SubjectSearchInput extends AuthorizationPaging {
  readonly resource: AuthorizationResource;
  readonly action: AuthorizationAction;
  /** Undefined for any type. */
  readonly subjectType: string | undefined;
  readonly context?: JsonObject | undefined;
}

export interface ResourceSearchInput extends AuthorizationPaging {
  readonly subject: AuthorizationSubject;
  readonly action: AuthorizationAction;
  /** Undefined for any type. */
  readonly resourceType: string | undefined;
  readonly context?: JsonObject | undefined;
}

export interface ActionSearchInput extends AuthorizationPaging {
  readonly subject: AuthorizationSubject;
  readonly resource: AuthorizationResource;
  readonly context?: JsonObject | undefined;
}

export interface RelationshipReadInput extends AuthorizationPaging {
  /** A type, an id or both; what is undefined matches everything. */
  readonly subject: EntityFilter;
  readonly relation: string | undefined;
  readonly resource: EntityFilter;
  /** The model in force when undefined. */
  readonly modelId: string | undefined;
}

export interface EntityFilter {
  readonly type: string | undefined;
  readonly id: string | undefined;
}

export interface RelationshipWriteInput {
  /** Each relationship once; one that exists gets the new properties. */
  readonly writes: readonly Relationship[];
  /** Each key once, and none that is among the writes. One that does not exist is no error. */
  readonly deletes: readonly RelationshipKey[];
  /** The model they were written for; the one in force when undefined. */
  readonly modelId: string | undefined;
}

export interface SubjectPage extends ModelledPage {
  readonly subjects: readonly AuthorizationSubject[];
}

export interface ResourcePage extends ModelledPage {
  readonly resources: readonly AuthorizationResource[];
}

export interface ActionPage extends ModelledPage {
  readonly actions: readonly (AuthorizationAction | string)[];
}

export interface RelationshipPage extends ModelledPage {
  readonly relationships: readonly Relationship[];
}

export interface ModelPage extends AuthorizationPage {
  readonly models: readonly StoredModelRef[];
}

/** Names a stored model. */
export type StoredModelRef = Pick<AuthorizationModelRef, "id"> & {
  /** `1` when left out: the version of the model's format. */
  readonly version?: string | undefined;
  readonly createdAt?: Date | undefined;
};
