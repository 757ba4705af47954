// The enums of agents and their names, which are those of gestaltd's HTTP API.
import {
  AgentExecutionStatus,
  AgentToolSourceMode,
  AgentInteractionState as InteractionState,
  AgentInteractionType as InteractionType,
  AgentMessagePartType as PartType,
  AgentSessionState as SessionState,
} from "../../../gen/gestalt/provider/v1/agent_pb.ts";
import { enumTable } from "../enum-table.ts";
import type { AgentMessagePartType } from "./conversation.ts";
import type { AgentInteractionState, AgentInteractionType, AgentSessionState, AgentTurnStatus } from "./objects.ts";
import type { AgentToolSource } from "./requests.ts";

export const SESSION_STATES = enumTable<AgentSessionState, SessionState>("session state", {
  active: SessionState.ACTIVE,
  archived: SessionState.ARCHIVED,
});

export const TURN_STATUSES = enumTable<AgentTurnStatus, AgentExecutionStatus>("turn status", {
  pending: AgentExecutionStatus.PENDING,
  running: AgentExecutionStatus.RUNNING,
  waiting_for_input: AgentExecutionStatus.WAITING_FOR_INPUT,
  succeeded: AgentExecutionStatus.SUCCEEDED,
  failed: AgentExecutionStatus.FAILED,
  canceled: AgentExecutionStatus.CANCELED,
});

export const INTERACTION_TYPES = enumTable<AgentInteractionType, InteractionType>("interaction type", {
  approval: InteractionType.APPROVAL,
  clarification: InteractionType.CLARIFICATION,
  input: InteractionType.INPUT,
});

export const INTERACTION_STATES = enumTable<AgentInteractionState, InteractionState>("interaction state", {
  pending: InteractionState.PENDING,
  resolved: InteractionState.RESOLVED,
  canceled: InteractionState.CANCELED,
});

export const PART_TYPES = enumTable<AgentMessagePartType, PartType>("type of message part", {
  text: PartType.TEXT,
  json: PartType.JSON,
  tool_call: PartType.TOOL_CALL,
  tool_result: PartType.TOOL_RESULT,
  image_ref: PartType.IMAGE_REF,
});

export const TOOL_SOURCES = enumTable<AgentToolSource, AgentToolSourceMode>("tool source", {
  mcp_catalog: AgentToolSourceMode.MCP_CATALOG,
});
