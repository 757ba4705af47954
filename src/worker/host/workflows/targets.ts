// What a workflow runs: an operation of a plugin, or a turn of an agent. Given and returned in the same shapes.
import type { JsonObject, JsonValue } from "../../../wire/session-token.ts";
import type { AgentMessage, AgentToolRef } from "../agents/conversation.ts";
import type { OneOf } from "../one-of.ts";

/** Exactly one of the two. */
export type WorkflowTarget = OneOf<{ plugin: WorkflowPluginTarget; agent: WorkflowAgentTarget }>;

/** One operation of one plugin, which the subject must be allowed to call. */
export interface WorkflowPluginTarget {
  readonly pluginName: string;
  readonly operation: string;
  /** Parameters of the operation. */
  readonly input?: JsonObject | undefined;
  /** Absent takes the plugin's default connection; gestaltd returns the one it took. */
  readonly connection?: string | undefined;
  /** Which credential of that connection; gestaltd returns the one it took. */
  readonly instance?: string | undefined;
  /** Whose credential to use, `none` or `user`; absent takes the connection's mode. */
  readonly credentialMode?: string | undefined;
}

/** One turn of an agent, which needs a prompt or messages. A turn that waits for input is cancelled, and fails the run. */
export interface WorkflowAgentTarget {
  /** The agent provider. gestaltd has no default here. */
  readonly providerName: string;
  readonly model?: string | undefined;
  /** A last user message, short for one of `messages`. */
  readonly prompt?: string | undefined;
  readonly messages?: readonly AgentMessage[] | undefined;
  readonly toolRefs?: readonly AgentToolRef[] | undefined;
  /** JSON Schema of the structured output wanted. */
  readonly responseSchema?: JsonObject | undefined;
  readonly metadata?: JsonObject | undefined;
  /** How long gestaltd waits for the turn, in seconds; absent means 5 minutes. */
  readonly timeoutSeconds?: number | undefined;
  /** What to do with the output; absent means nothing further. */
  readonly outputDelivery?: WorkflowOutputDelivery | undefined;
  /** Passed to the model as they are. */
  readonly modelOptions?: JsonObject | undefined;
}

/** An operation to call with an agent's output. */
export interface WorkflowOutputDelivery {
  readonly target: WorkflowPluginTarget;
  /** Which value goes into which input field, over the target's own input. */
  readonly inputBindings?: readonly WorkflowOutputBinding[] | undefined;
  readonly credentialMode?: string | undefined;
}

export interface WorkflowOutputBinding {
  readonly inputField: string;
  readonly value: WorkflowOutputSource;
}

/** Where a value comes from: a path into one of three objects, or the value itself. */
export type WorkflowOutputSource = OneOf<{
  /** Path into the turn's output. */
  agentOutput: string;
  /** Path into the payload of the signal that drove the run. */
  signalPayload: string;
  /** Path into that signal's metadata. */
  signalMetadata: string;
  literal: JsonValue;
}>;
