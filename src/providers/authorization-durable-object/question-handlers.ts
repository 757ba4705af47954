// Decisions and searches: each is one call to the object, whatever the number of questions.
import type { AuthorizationDecision, AuthorizationEvaluation, AuthorizationHandlers } from "../../worker/index.ts";
import type { DurableObjectAuthorizationConfig } from "./config.ts";
import type { Question, Verdict } from "./decisions.ts";
import type { Ask, StoreRequest } from "./object-calls.ts";
import { lastOf, nextPage } from "./page-token.ts";
import { entityOf } from "./relationship-row.ts";
import type { Place } from "./searches.ts";

type Handlers = Required<AuthorizationHandlers<DurableObjectAuthorizationConfig, never>>;

export function decisionHandlers(ask: Ask): Pick<Handlers, "evaluate" | "evaluateMany"> {
  const evaluate = async (evaluations: readonly AuthorizationEvaluation[], request: StoreRequest) => {
    const { modelId, verdicts } = await ask(request, (object) => object.evaluate(evaluations.map(questionOf)));
    return verdicts.map((verdict) => decisionOf(verdict, modelId));
  };
  return {
    async evaluate(evaluation, request) {
      const [decision = false] = await evaluate([evaluation], request);
      return decision;
    },
    evaluateMany: ({ evaluations }, request) => evaluate(evaluations, request),
  };
}

export function searchHandlers(ask: Ask): Pick<Handlers, "searchSubjects" | "searchResources" | "searchActions"> {
  return {
    async searchSubjects({ resource, action, subjectType, pageSize, pageToken }, request) {
      const [resource_type, resource_id] = [resource.type, resource.id];
      const search = { resource_type, resource_id, action: action.name, subject_type: subjectType };
      const listing = ["subjects", resource_type, resource_id, action.name, subjectType];
      const after = placeOf(await lastOf(listing, pageToken, 2));
      const page = await ask(request, (object) => object.searchSubjects(search, after, pageSize));
      const subjects = page.entries.map(({ type, id, properties }) => entityOf(type, id, properties));
      return { subjects, modelId: page.modelId, ...(await nextPage(listing, page, ({ type, id }) => [type, id])) };
    },

    async searchResources({ subject, action, resourceType, pageSize, pageToken }, request) {
      const [subject_type, subject_id] = [subject.type, subject.id];
      const search = { subject_type, subject_id, action: action.name, resource_type: resourceType };
      const listing = ["resources", subject_type, subject_id, action.name, resourceType];
      const after = placeOf(await lastOf(listing, pageToken, 2));
      const page = await ask(request, (object) => object.searchResources(search, after, pageSize));
      const resources = page.entries.map(({ type, id, properties }) => entityOf(type, id, properties));
      return { resources, modelId: page.modelId, ...(await nextPage(listing, page, ({ type, id }) => [type, id])) };
    },

    async searchActions({ subject, resource, pageSize, pageToken }, request) {
      const [subject_type, subject_id] = [subject.type, subject.id];
      const search = { subject_type, subject_id, resource_type: resource.type, resource_id: resource.id };
      const listing = ["actions", subject_type, subject_id, resource.type, resource.id];
      const [after] = (await lastOf(listing, pageToken, 1)) ?? [];
      const page = await ask(request, (object) => object.searchActions(search, after, pageSize));
      const actions = page.entries.map(({ name }) => name);
      return { actions, modelId: page.modelId, ...(await nextPage(listing, page, ({ name }) => [name])) };
    },
  };
}

function questionOf({ subject, action, resource }: AuthorizationEvaluation): Question {
  return {
    resource_type: resource.type,
    resource_id: resource.id,
    action: action.name,
    subject_type: subject.type,
    subject_id: subject.id,
  };
}

/** Reasons that a model could be wrong about; that there is no relationship is no news. */
function decisionOf(verdict: Verdict, modelId: string): AuthorizationDecision {
  if (verdict === "allowed" || verdict === "no relationship") return { allowed: verdict === "allowed", modelId };
  return { allowed: false, modelId, context: { reason: verdict } };
}

function placeOf(parts: readonly string[] | undefined): Place | undefined {
  if (parts === undefined) return undefined;
  const [type = "", id = ""] = parts;
  return { type, id };
}
