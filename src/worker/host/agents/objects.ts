// Sessions, turns, events and interactions as a plugin's code sees them. What gestaltd left out is an empty text, or undefined.
import type { JsonObject, JsonValue } from "../../../wire/session-token.ts";
import type { AgentMessage } from "./conversation.ts";

/** Whether a session takes further turns. */
export type AgentSessionState = "active" | "archived";

/**
 * Life of a turn: the first three are live, the others final. A turn is "waiting_for_input" while one of its interactions is
 * pending. Only a live turn may use its tools, and only a live one can be cancelled.
 */
export type AgentTurnStatus = "pending" | "running" | "waiting_for_input" | "succeeded" | "failed" | "canceled";

/** Yes or no; an answer to a question; data of a given form. */
export type AgentInteractionType = "approval" | "clarification" | "input";

export type AgentInteractionState = "pending" | "resolved" | "canceled";

/** Who created something. */
export interface AgentActor {
  readonly subjectId: string;
  readonly subjectKind: string;
  readonly displayName: string;
  readonly authSource: string;
}

/** A conversation. Only its subject can see it. */
export interface AgentSession {
  readonly id: string;
  /** The agent provider that holds it; every later call of the session and its turns goes there by itself. */
  readonly providerName: string;
  readonly model: string;
  /** The client's own name for it. */
  readonly clientRef: string;
  readonly state: AgentSessionState | "unspecified";
  /** The client's own data; absent in an overview. */
  readonly metadata: JsonObject | undefined;
  readonly createdBy: AgentActor | undefined;
  readonly createdAt: Date | undefined;
  readonly updatedAt: Date | undefined;
  readonly lastTurnAt: Date | undefined;
}

/** One round of a conversation: messages in, output out. */
export interface AgentTurn {
  readonly id: string;
  readonly sessionId: string;
  readonly providerName: string;
  readonly model: string;
  readonly status: AgentTurnStatus | "unspecified";
  /** What was given to the turn; none in an overview. */
  readonly messages: readonly AgentMessage[];
  /** Empty until there is some, and in an overview. */
  readonly outputText: string;
  /** Output in the form of the response schema, when one was given. */
  readonly structuredOutput: JsonObject | undefined;
  /** Why it failed or was cancelled. */
  readonly statusMessage: string;
  readonly createdBy: AgentActor | undefined;
  readonly createdAt: Date | undefined;
  readonly startedAt: Date | undefined;
  readonly completedAt: Date | undefined;
  readonly executionRef: string;
}

/** Something that happened in a turn. */
export interface AgentTurnEvent {
  readonly id: string;
  readonly turnId: string;
  /** From 1, strictly increasing within the turn. */
  readonly seq: number;
  /** Free-form: `turn.started`, `assistant.completed`, `interaction.requested`, `turn.completed`. */
  readonly type: string;
  /** What raised it. */
  readonly source: string;
  /** `public` or `private`. */
  readonly visibility: string;
  readonly data: JsonObject | undefined;
  readonly createdAt: Date | undefined;
  /** How a client can show it; absent when it should not. */
  readonly display: AgentTurnDisplay | undefined;
}

/** An event for the eye. */
export interface AgentTurnDisplay {
  readonly kind: string;
  /** Where in its life the thing shown is. */
  readonly phase: string;
  readonly text: string;
  readonly label: string;
  /** Ties events about one thing together, a tool call for one. */
  readonly ref: string;
  /** The thing that one belongs to. */
  readonly parentRef: string;
  readonly input: JsonValue | undefined;
  readonly output: JsonValue | undefined;
  readonly error: JsonValue | undefined;
  readonly action: string;
  /** Markup of the text. */
  readonly format: string;
  /** Programming language of the text. */
  readonly language: string;
}

/** A question to a person, raised by a turn. */
export interface AgentInteraction {
  readonly id: string;
  readonly turnId: string;
  readonly sessionId: string;
  readonly type: AgentInteractionType | "unspecified";
  readonly state: AgentInteractionState | "unspecified";
  readonly title: string;
  readonly prompt: string;
  /** The form of the input wanted, and what else a client needs to ask for it. */
  readonly request: JsonObject | undefined;
  /** The answer. */
  readonly resolution: JsonObject | undefined;
  readonly createdAt: Date | undefined;
  readonly resolvedAt: Date | undefined;
}
