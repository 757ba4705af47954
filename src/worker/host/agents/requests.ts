// What a plugin asks of AgentManager.
import type { JsonObject } from "../../../wire/session-token.ts";
import type { AgentMessage, AgentToolRef } from "./conversation.ts";
import type { AgentSessionState, AgentTurnStatus } from "./objects.ts";

/** How an agent gets at its tools: it asks gestaltd for a list and has gestaltd execute them. */
export type AgentToolSource = "mcp_catalog";

/** Every request of AgentManager. */
export interface AgentManagerRequest {
  /** Another token than that of the call being served, such as one `plugins.exchangeInvocationToken` narrowed. A secret. */
  readonly invocationToken?: string | undefined;
}

export interface CreateAgentSessionRequest extends AgentManagerRequest {
  /** Absent takes the default agent provider. */
  readonly providerName?: string | undefined;
  /** Absent takes the provider's default. */
  readonly model?: string | undefined;
  /** The client's own name for the session. */
  readonly clientRef?: string | undefined;
  /** The client's own data. Keys that begin with `__gestalt.` are gestaltd's: INVALID_ARGUMENT. */
  readonly metadata?: JsonObject | undefined;
  /** Two requests with one key make one session. */
  readonly idempotencyKey?: string | undefined;
  /** Sources to check out for the session. FAILED_PRECONDITION where runtime or provider cannot. */
  readonly workspace?: AgentWorkspace | undefined;
}

export interface AgentWorkspace {
  readonly checkouts: readonly AgentWorkspaceCheckout[];
  /** Working directory, relative to the workspace. */
  readonly cwd?: string | undefined;
}

export interface AgentWorkspaceCheckout {
  /** Of a git repository that the operator allows. */
  readonly url: string;
  /** Branch, tag or commit. */
  readonly ref?: string | undefined;
  /** Where to put it, relative to the workspace. */
  readonly path?: string | undefined;
}

export interface GetAgentSessionRequest extends AgentManagerRequest {
  readonly sessionId: string;
}

/** What a list holds at most, and how much of each. Only providers that declare it can: FAILED_PRECONDITION from others. */
export interface AgentListBounds {
  /** Most items, the newest first, 500 at most; absent or 0 means all of them, or 100 with `summaryOnly`. */
  readonly limit?: number | undefined;
  /** Leaves out the large fields: metadata of sessions; messages and output of turns. */
  readonly summaryOnly?: boolean | undefined;
}

/** What is absent matches everything. */
export interface ListAgentSessionsRequest extends AgentManagerRequest, AgentListBounds {
  readonly providerName?: string | undefined;
  readonly state?: AgentSessionState | undefined;
}

/** What is absent stays as it is. */
export interface UpdateAgentSessionRequest extends AgentManagerRequest {
  readonly sessionId: string;
  readonly clientRef?: string | undefined;
  /** "archived" ends the session: it takes no further turns. */
  readonly state?: AgentSessionState | undefined;
  /** Replaces the client's data as a whole. */
  readonly metadata?: JsonObject | undefined;
}

export interface CreateAgentTurnRequest extends AgentManagerRequest {
  readonly sessionId: string;
  readonly messages: readonly AgentMessage[];
  /** Absent takes the session's. */
  readonly model?: string | undefined;
  /**
   * The tools the turn may use. Absent or empty, and with a provider that takes tools at all, gestaltd chooses among what the
   * subject may use by what the messages mention.
   */
  readonly toolRefs?: readonly AgentToolRef[] | undefined;
  /** Absent follows from `toolRefs` and from what the provider can do. */
  readonly toolSource?: AgentToolSource | undefined;
  /** JSON Schema of the structured output wanted. */
  readonly responseSchema?: JsonObject | undefined;
  readonly metadata?: JsonObject | undefined;
  /** Two requests of one session with one key make one turn. */
  readonly idempotencyKey?: string | undefined;
  /** Passed to the model as they are. */
  readonly modelOptions?: JsonObject | undefined;
}

export interface GetAgentTurnRequest extends AgentManagerRequest {
  readonly turnId: string;
}

/** Turns of one session; what is absent matches everything. */
export interface ListAgentTurnsRequest extends AgentManagerRequest, AgentListBounds {
  readonly sessionId: string;
  readonly status?: AgentTurnStatus | undefined;
}

export interface CancelAgentTurnRequest extends AgentManagerRequest {
  readonly turnId: string;
  /** Becomes the turn's status message. */
  readonly reason?: string | undefined;
}

export interface ListAgentTurnEventsRequest extends AgentManagerRequest {
  readonly turnId: string;
  /** Only events with a greater `seq`; absent or 0 means from the first. */
  readonly afterSeq?: number | undefined;
  /** Most events in one reply; absent or 0 leaves it to the provider. */
  readonly limit?: number | undefined;
}

export interface ListAgentInteractionsRequest extends AgentManagerRequest {
  readonly turnId: string;
}

export interface ResolveAgentInteractionRequest extends AgentManagerRequest {
  readonly turnId: string;
  readonly interactionId: string;
  /** The answer, in the form that the interaction's `request` asks for. */
  readonly resolution: JsonObject;
}
