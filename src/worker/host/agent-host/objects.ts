// What an agent asks of AgentHost, and what it gets.
import type { JsonObject } from "../../../wire/session-token.ts";
import type { OperationAnnotations } from "../../plugin/operation.ts";
import type { AgentToolRef } from "../agents/conversation.ts";

/** Every request of AgentHost: for which turn it is, and the proof. */
export interface AgentTurnScope {
  readonly sessionId: string;
  readonly turnId: string;
  /** As the turn's CreateTurn had it. Void when the turn is cancelled. A secret. */
  readonly runGrant: string;
}

export interface ListAgentToolsRequest extends AgentTurnScope {
  /** Words to search for, best matches first; absent lists everything, by name. */
  readonly query?: string | undefined;
  /** Most tools in a page, 1000 at most; absent means 100. */
  readonly pageSize?: number | undefined;
  /** From the page before; absent on the first. Pages of one list need one query and one size. */
  readonly pageToken?: string | undefined;
}

export interface AgentToolPage {
  readonly tools: readonly AgentTool[];
  /** Absent on the last page. */
  readonly nextPageToken: string | undefined;
}

/** A tool with what a model needs to use it. */
export interface AgentTool {
  /** The `toolId` for `executeTool`. */
  readonly id: string;
  /** Unique in the list, and valid in the Model Context Protocol. */
  readonly mcpName: string;
  readonly title: string;
  readonly description: string;
  /** JSON Schema, at most 128 KiB of it; absent when gestaltd sent none, or nothing that is an object. */
  readonly inputSchema: JsonObject | undefined;
  readonly outputSchema: JsonObject | undefined;
  /** What is known of its effects; what is not known is absent. */
  readonly annotations: OperationAnnotations;
  /** What it stands for. */
  readonly ref: AgentToolRef | undefined;
  readonly tags: readonly string[];
  /** What a query is compared with. */
  readonly searchText: string;
}

/** One of `toolCallId` and `idempotencyKey` is needed. */
export type ExecuteAgentToolRequest = AgentToolExecution &
  (
    | { readonly toolCallId: string; readonly idempotencyKey?: string | undefined }
    | { readonly idempotencyKey: string; readonly toolCallId?: string | undefined }
  );

export interface AgentToolExecution extends AgentTurnScope {
  /** Of a listed tool, or of one that the turn was given outright. */
  readonly toolId: string;
  /** The model's id for the call; without an idempotency key, gestaltd makes one of it. */
  readonly toolCallId?: string | undefined;
  /** Two calls with one key have one effect, as far as the operation supports it. */
  readonly idempotencyKey?: string | undefined;
  readonly arguments?: JsonObject | undefined;
}

export interface AgentToolOutcome {
  /** HTTP status. 400 and above is for the model to read: the tool was called, and says no. */
  readonly status: number;
  /** Usually JSON text. */
  readonly body: string;
}

export interface ResolveAgentConnectionRequest extends AgentTurnScope {
  /** One of the connections that gestaltd's config gives the agent provider. */
  readonly connection: string;
  /** Which credential of it; absent is right unless there are several. */
  readonly instance?: string | undefined;
}

/** How to reach an external system. Holds secrets. */
export interface ResolvedAgentConnection {
  readonly connectionId: string;
  readonly connection: string;
  readonly instance: string;
  /** Whose credential it is: `none`, `user` or `platform`. */
  readonly mode: string;
  /** To be sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  /** When to resolve again; absent when the credential does not expire. */
  readonly expiresAt: Date | undefined;
}
