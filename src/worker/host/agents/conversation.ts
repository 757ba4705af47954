// What goes into a turn: messages and references to tools. Given and returned in the same shapes; what is empty is absent.
import type { JsonObject } from "../../../wire/session-token.ts";

/** One message of a conversation. */
export interface AgentMessage {
  /** `user`, `assistant` or `system`, for example. */
  readonly role: string;
  /** Plain text; `parts` is for anything else. */
  readonly text?: string | undefined;
  readonly parts?: readonly AgentMessagePart[] | undefined;
  readonly metadata?: JsonObject | undefined;
}

export type AgentMessagePartType = "text" | "json" | "tool_call" | "tool_result" | "image_ref";

/** A part of a message. `type` tells which of the other fields counts. */
export interface AgentMessagePart {
  readonly type: AgentMessagePartType | "unspecified";
  readonly text?: string | undefined;
  readonly json?: JsonObject | undefined;
  /** The model asks for a tool. */
  readonly toolCall?: AgentToolCall | undefined;
  /** What the tool answered. */
  readonly toolResult?: AgentToolResult | undefined;
  readonly imageRef?: AgentImageRef | undefined;
}

export interface AgentToolCall {
  readonly id: string;
  readonly toolId: string;
  readonly arguments?: JsonObject | undefined;
}

export interface AgentToolResult {
  /** The id of the call answered. */
  readonly toolCallId: string;
  /** HTTP status. */
  readonly status: number;
  readonly content?: string | undefined;
  readonly output?: JsonObject | undefined;
}

/** An image by address. */
export interface AgentImageRef {
  readonly uri: string;
  readonly mimeType?: string | undefined;
}

/**
 * A tool by what it stands for: an operation of a plugin, all of its operations, or with the plugin `*` everything the subject
 * may use. With `system` in place of `plugin` it is a tool of gestaltd itself: the one called `operation` of `workflow`.
 */
export interface AgentToolRef {
  readonly plugin?: string | undefined;
  readonly operation?: string | undefined;
  readonly connection?: string | undefined;
  readonly instance?: string | undefined;
  /** Shown to the model instead of the operation's own title. */
  readonly title?: string | undefined;
  /** Shown to the model instead of the operation's own description. */
  readonly description?: string | undefined;
  readonly system?: string | undefined;
}
