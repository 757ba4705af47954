// AgentManager's requests as the protocol's messages.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AgentManagerCancelTurnRequestSchema,
  AgentManagerCreateSessionRequestSchema,
  AgentManagerCreateTurnRequestSchema,
  AgentManagerListSessionsRequestSchema,
  AgentManagerListTurnEventsRequestSchema,
  AgentManagerListTurnsRequestSchema,
  AgentManagerResolveInteractionRequestSchema,
  AgentManagerUpdateSessionRequestSchema,
} from "../../../gen/gestalt/provider/v1/agent_manager_pb.ts";
import { countOf, structOf } from "../fields.ts";
import { messageToProtocol, toolRefToProtocol } from "./conversation-messages.ts";
import type {
  AgentListBounds,
  CancelAgentTurnRequest,
  CreateAgentSessionRequest,
  CreateAgentTurnRequest,
  GetAgentSessionRequest,
  GetAgentTurnRequest,
  ListAgentInteractionsRequest,
  ListAgentSessionsRequest,
  ListAgentTurnEventsRequest,
  ListAgentTurnsRequest,
  ResolveAgentInteractionRequest,
  UpdateAgentSessionRequest,
} from "./requests.ts";
import { SESSION_STATES, TOOL_SOURCES, TURN_STATUSES } from "./statuses.ts";

export function createSessionToProtocol(
  request: CreateAgentSessionRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerCreateSessionRequestSchema> {
  const { workspace } = request;
  return {
    providerName: request.providerName ?? "",
    model: request.model ?? "",
    clientRef: request.clientRef ?? "",
    metadata: structOf(request.metadata, "metadata"),
    idempotencyKey: request.idempotencyKey ?? "",
    invocationToken,
    workspace: workspace && {
      checkouts: workspace.checkouts.map(({ url, ref = "", path = "" }) => ({ url, ref, path })),
      cwd: workspace.cwd ?? "",
    },
  };
}

export function sessionIdToProtocol({ sessionId }: GetAgentSessionRequest, invocationToken: string) {
  return { sessionId, invocationToken };
}

export function listSessionsToProtocol(
  request: ListAgentSessionsRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerListSessionsRequestSchema> {
  return {
    providerName: request.providerName ?? "",
    state: SESSION_STATES.toValue(request.state),
    ...boundsOf(request),
    invocationToken,
  };
}

export function updateSessionToProtocol(
  request: UpdateAgentSessionRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerUpdateSessionRequestSchema> {
  return {
    sessionId: request.sessionId,
    clientRef: request.clientRef ?? "",
    state: SESSION_STATES.toValue(request.state),
    metadata: structOf(request.metadata, "metadata"),
    invocationToken,
  };
}

export function createTurnToProtocol(
  request: CreateAgentTurnRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerCreateTurnRequestSchema> {
  return {
    sessionId: request.sessionId,
    model: request.model ?? "",
    messages: request.messages.map(messageToProtocol),
    toolRefs: request.toolRefs?.map(toolRefToProtocol) ?? [],
    toolSource: TOOL_SOURCES.toValue(request.toolSource),
    responseSchema: structOf(request.responseSchema, "responseSchema"),
    metadata: structOf(request.metadata, "metadata"),
    idempotencyKey: request.idempotencyKey ?? "",
    modelOptions: structOf(request.modelOptions, "modelOptions"),
    invocationToken,
  };
}

export function turnIdToProtocol(
  { turnId }: GetAgentTurnRequest | ListAgentInteractionsRequest,
  invocationToken: string,
) {
  return { turnId, invocationToken };
}

export function listTurnsToProtocol(
  request: ListAgentTurnsRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerListTurnsRequestSchema> {
  return {
    sessionId: request.sessionId,
    status: TURN_STATUSES.toValue(request.status),
    ...boundsOf(request),
    invocationToken,
  };
}

export function cancelTurnToProtocol(
  { turnId, reason = "" }: CancelAgentTurnRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerCancelTurnRequestSchema> {
  return { turnId, reason, invocationToken };
}

export function listTurnEventsToProtocol(
  { turnId, afterSeq, limit }: ListAgentTurnEventsRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerListTurnEventsRequestSchema> {
  return {
    turnId,
    afterSeq: BigInt(countOf(afterSeq, "afterSeq", Number.MAX_SAFE_INTEGER)),
    limit: countOf(limit, "limit"),
    invocationToken,
  };
}

export function resolveInteractionToProtocol(
  { turnId, interactionId, resolution }: ResolveAgentInteractionRequest,
  invocationToken: string,
): MessageInitShape<typeof AgentManagerResolveInteractionRequestSchema> {
  return { turnId, interactionId, resolution: structOf(resolution, "resolution"), invocationToken };
}

function boundsOf({ limit, summaryOnly = false }: AgentListBounds) {
  return { limit: countOf(limit, "limit"), summaryOnly };
}
