// Decisions and relationships of gestaltd's authorization provider.
import { AuthorizationProvider } from "../../../gen/gestalt/provider/v1/authorization_pb.ts";
import { hostCalls } from "../calls.ts";
import { textOf } from "../fields.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { unaryMethods } from "../unary-method.ts";
import {
  actionFrom,
  actionTo,
  contextTo,
  decisionFrom,
  entityFrom,
  entityTo,
  evaluationTo,
  modelRefFrom,
  modelTo,
  pageFrom,
  pagingTo,
  relationshipFrom,
  relationshipKeyTo,
  relationshipTo,
} from "./messages.ts";
import type {
  AccessDecision,
  AccessEvaluation,
  ActionSearch,
  AuthorizationAction,
  AuthorizationMetadata,
  AuthorizationModel,
  AuthorizationModelRef,
  AuthorizationResource,
  AuthorizationSubject,
  Page,
  Paging,
  Relationship,
  RelationshipFilter,
  RelationshipWrites,
  ResourceSearch,
  SubjectSearch,
} from "./objects.ts";

/**
 * gestaltd answers plugins `searchSubjects` and `getMetadata` only (reference §4.6); the others are a `HostServiceError` with
 * `Code.Unimplemented` or `Code.PermissionDenied` there.
 */
export interface Authorization {
  evaluate(evaluation: AccessEvaluation, options?: HostCallOptions): Promise<AccessDecision>;
  /** One decision for each, in order. What the provider leaves undecided is denied. */
  evaluateMany(evaluations: readonly AccessEvaluation[], options?: HostCallOptions): Promise<AccessDecision[]>;
  /** Resources on which the subject may do the action. */
  searchResources(
    search: ResourceSearch,
    options?: HostCallOptions,
  ): Promise<SearchPage & { readonly resources: readonly AuthorizationResource[] }>;
  /** Subjects that may do the action on the resource. */
  searchSubjects(
    search: SubjectSearch,
    options?: HostCallOptions,
  ): Promise<SearchPage & { readonly subjects: readonly AuthorizationSubject[] }>;
  /** Actions that the subject may do on the resource. */
  searchActions(
    search: ActionSearch,
    options?: HostCallOptions,
  ): Promise<SearchPage & { readonly actions: readonly AuthorizationAction[] }>;
  getMetadata(options?: HostCallOptions): Promise<AuthorizationMetadata>;
  /** One page of the stored relationships that match. */
  readRelationships(
    filter?: RelationshipFilter,
    options?: HostCallOptions,
  ): Promise<SearchPage & { readonly relationships: readonly Relationship[] }>;
  writeRelationships(changes: RelationshipWrites, options?: HostCallOptions): Promise<void>;
  /** Undefined when no model has been written. */
  getActiveModel(options?: HostCallOptions): Promise<AuthorizationModelRef | undefined>;
  listModels(
    paging?: Paging,
    options?: HostCallOptions,
  ): Promise<Page & { readonly models: readonly AuthorizationModelRef[] }>;
  /** Stores a model and puts it in force. The same model has the same id. */
  writeModel(model: AuthorizationModel, options?: HostCallOptions): Promise<AuthorizationModelRef>;
}

export interface SearchPage extends Page {
  /** The model that answered; undefined when the provider does not say. */
  readonly modelId: string | undefined;
}

export function authorizationClient(link: HostLink): Authorization {
  const calls = hostCalls(AuthorizationProvider, "authorization", link);
  const method = unaryMethods("authorization", link);
  const readRelationships = method(calls.readRelationships, filterTo, ({ relationships, ...page }) => ({
    relationships: relationships.map(relationshipFrom),
    ...searchPageFrom(page),
  }));
  const getMetadata = method(
    calls.getMetadata,
    () => ({}),
    ({ capabilities, activeModelId }) => ({ capabilities, activeModelId: textOf(activeModelId) }),
  );
  const getActiveModel = method(
    calls.getActiveModel,
    () => ({}),
    ({ model }) => model && modelRefFrom(model),
  );
  const listModels = method(calls.listModels, pagingTo, ({ models, ...page }) => ({
    models: models.map(modelRefFrom),
    ...pageFrom(page),
  }));
  const evaluateMany = method(
    calls.evaluateMany,
    (evaluations: readonly AccessEvaluation[]) => ({ requests: evaluations.map(evaluationTo) }),
    ({ decisions }) => decisions.map(decisionFrom),
  );
  return {
    evaluate: method(calls.evaluate, evaluationTo, decisionFrom),
    async evaluateMany(evaluations, options) {
      const decisions = await evaluateMany(evaluations, options);
      return evaluations.map((_, i) => decisions[i] ?? DENIED);
    },
    searchResources: method(
      calls.searchResources,
      ({ subject, action, resourceType, context, ...paging }: ResourceSearch) => ({
        subject: entityTo(subject),
        action: actionTo(action),
        resourceType,
        ...contextTo(context),
        ...pagingTo(paging),
      }),
      ({ resources, ...page }) => ({ resources: resources.map(entityFrom), ...searchPageFrom(page) }),
    ),
    searchSubjects: method(
      calls.searchSubjects,
      ({ resource, action, subjectType = "", context, ...paging }: SubjectSearch) => ({
        resource: entityTo(resource),
        action: actionTo(action),
        subjectType,
        ...contextTo(context),
        ...pagingTo(paging),
      }),
      ({ subjects, ...page }) => ({ subjects: subjects.map(entityFrom), ...searchPageFrom(page) }),
    ),
    searchActions: method(
      calls.searchActions,
      ({ subject, resource, context, ...paging }: ActionSearch) => ({
        subject: entityTo(subject),
        resource: entityTo(resource),
        ...contextTo(context),
        ...pagingTo(paging),
      }),
      ({ actions, ...page }) => ({ actions: actions.map(actionFrom), ...searchPageFrom(page) }),
    ),
    getMetadata: (options) => getMetadata({}, options),
    readRelationships: (filter = {}, options) => readRelationships(filter, options),
    writeRelationships: method(calls.writeRelationships, writesTo, () => undefined),
    getActiveModel: (options) => getActiveModel({}, options),
    listModels: (paging = {}, options) => listModels(paging, options),
    writeModel: method(
      calls.writeModel,
      (model: AuthorizationModel) => ({ model: modelTo(model) }),
      (ref) => modelRefFrom(ref),
    ),
  };
}

const DENIED: AccessDecision = { allowed: false, context: undefined, modelId: undefined };

function searchPageFrom(page: { readonly nextPageToken: string; readonly modelId: string }): SearchPage {
  return { ...pageFrom(page), modelId: textOf(page.modelId) };
}

function filterTo({ subject, relation = "", resource, modelId = "", ...paging }: RelationshipFilter) {
  return {
    ...(subject && { subject: entityTo(subject) }),
    relation,
    ...(resource && { resource: entityTo(resource) }),
    modelId,
    ...pagingTo(paging),
  };
}

function writesTo({ writes = [], deletes = [], modelId = "" }: RelationshipWrites) {
  return { writes: writes.map(relationshipTo), deletes: deletes.map(relationshipKeyTo), modelId };
}
