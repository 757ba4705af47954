// The AuthorizationProvider service in terms of a provider's handlers.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AccessDecisionSchema,
  type AuthorizationModelRefSchema,
  AuthorizationProvider,
} from "../../gen/gestalt/provider/v1/authorization_pb.ts";
import { inParallel } from "../cache/in-parallel.ts";
import type { Call, ProviderRequest } from "../call.ts";
import type { HostUse, Uses } from "../host/uses.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { type Surface, surface } from "../surface.ts";
import type { AuthorizationHandlers } from "./define.ts";
import {
  actionSearchFrom,
  evaluationFrom,
  evaluationsFrom,
  pagingFrom,
  readFrom,
  resourceSearchFrom,
  subjectSearchFrom,
  writeFrom,
} from "./messages.ts";
import { modelFrom } from "./model.ts";
import type { AuthorizationDecision, AuthorizationEvaluation, ModelledPage, StoredModelRef } from "./objects.ts";

export function authorizationSurface<Config, Use extends HostUse>(
  handlers: AuthorizationHandlers<Config, Use>,
  uses: Uses | undefined,
): Surface {
  const request = (call: Call) => providerRequest<Config, Use>(call, uses);
  const { searchSubjects, searchResources, searchActions, listModels } = handlers;
  return surface(AuthorizationProvider, {
    async evaluate(message, call) {
      return decisionTo(await handlers.evaluate(evaluationFrom(message), request(call)));
    },

    async evaluateMany(message, call) {
      const evaluations = evaluationsFrom(message);
      if (evaluations.length === 0) return { decisions: [] };
      const decisions = await (handlers.evaluateMany?.({ evaluations }, request(call)) ??
        evaluateEach(handlers, evaluations, request(call)));
      // Decisions are told apart by their place alone: one too few would give each caller the next one's.
      if (decisions.length === evaluations.length) return { decisions: decisions.map(decisionTo) };
      const text = `The provider made ${decisions.length} decisions on ${evaluations.length} questions.`;
      throw new ConnectError(text, Code.Internal);
    },

    ...(searchSubjects && {
      async searchSubjects(message, call) {
        const page = await searchSubjects.call(handlers, subjectSearchFrom(message), request(call));
        return { subjects: [...page.subjects], ...pageTo(page) };
      },
    }),

    ...(searchResources && {
      async searchResources(message, call) {
        const page = await searchResources.call(handlers, resourceSearchFrom(message), request(call));
        return { resources: [...page.resources], ...pageTo(page) };
      },
    }),

    ...(searchActions && {
      async searchActions(message, call) {
        const page = await searchActions.call(handlers, actionSearchFrom(message), request(call));
        const actions = page.actions.map((action) => (typeof action === "string" ? { name: action } : action));
        return { actions, ...pageTo(page) };
      },
    }),

    async getMetadata(_message, call) {
      const active = await handlers.getActiveModel(request(call));
      return { capabilities: capabilitiesOf(handlers), activeModelId: active?.id ?? "" };
    },

    async readRelationships(message, call) {
      const page = await handlers.readRelationships(readFrom(message), request(call));
      return { relationships: [...page.relationships], ...pageTo(page) };
    },

    async writeRelationships(message, call) {
      const input = writeFrom(message);
      await handlers.writeRelationships(input, request(call));
      return {};
    },

    async getActiveModel(_message, call) {
      const active = await handlers.getActiveModel(request(call));
      return active === undefined ? {} : { model: refTo(active) };
    },

    async listModels(message, call) {
      const paging = pagingFrom(message);
      const page = await (listModels?.call(handlers, paging, request(call)) ?? onlyActive(handlers, request(call)));
      return { models: page.models.map(refTo), nextPageToken: page.nextPageToken ?? "" };
    },

    async writeModel({ model }, call) {
      return refTo(await handlers.writeModel({ model: modelFrom(model) }, request(call)));
    },
  });
}

async function evaluateEach<Config, Use extends HostUse>(
  handlers: AuthorizationHandlers<Config, Use>,
  evaluations: readonly AuthorizationEvaluation[],
  request: ProviderRequest<Config, Use>,
): Promise<AuthorizationDecision[]> {
  const decisions = new Array<AuthorizationDecision>(evaluations.length).fill(false);
  await inParallel([...evaluations.entries()], async ([index, evaluation]) => {
    decisions[index] = await handlers.evaluate(evaluation, request);
  });
  return decisions;
}

async function onlyActive<Config, Use extends HostUse>(
  handlers: AuthorizationHandlers<Config, Use>,
  request: ProviderRequest<Config, Use>,
) {
  const active = await handlers.getActiveModel(request);
  return { models: active === undefined ? [] : [active], nextPageToken: "" };
}

/** Names of the methods that are not matters of course, as gestaltd writes `search_subjects`. */
function capabilitiesOf<Config, Use extends HostUse>(handlers: AuthorizationHandlers<Config, Use>): string[] {
  const optional = { search_subjects: handlers.searchSubjects, search_resources: handlers.searchResources };
  const all = { ...optional, search_actions: handlers.searchActions, list_models: handlers.listModels };
  return Object.entries(all).flatMap(([name, handler]) => (handler === undefined ? [] : [name]));
}

/** Whatever else than true a handler answers in its haste, such as nothing, is no yes. */
function decisionTo(decision: AuthorizationDecision): MessageInitShape<typeof AccessDecisionSchema> {
  if (typeof decision !== "object" || decision === null) return { allowed: decision === true };
  const { allowed, context, modelId = "" } = decision;
  return { allowed: allowed === true, modelId, ...(context && { context }) };
}

function pageTo({ nextPageToken = "", modelId = "" }: ModelledPage) {
  return { nextPageToken, modelId };
}

function refTo({ id, version = "1", createdAt }: StoredModelRef): MessageInitShape<typeof AuthorizationModelRefSchema> {
  if (id === "") throw new ConnectError("The provider gave a model no id.", Code.Internal);
  return { id, version, ...(createdAt && { createdAt: timestampFromDate(createdAt) }) };
}
