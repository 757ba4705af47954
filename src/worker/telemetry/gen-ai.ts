// Spans for what providers do with models, agents and tools, by OpenTelemetry's GenAI conventions (v1.45). Named as upstream's SDK
// names them, with the request or operation they belong to as the first argument: there is no ambient context to find it in.
import type { SpanAttributes } from "./attributes.ts";
import { type GenAIOperation, type OperationSpan, RecordedOperation } from "./gen-ai-operation.ts";
import { requestAttributes } from "./request-options.ts";
import type { RequestTrace } from "./request-trace.ts";

/** What the operation is a part of: the handler's request, or an operation that is under way. */
export interface GenAIParent {
  readonly trace: RequestTrace;
}

export interface ModelOperationOptions {
  /** Who runs the model: `openai`, `anthropic`, `aws.bedrock`. */
  readonly providerName: string;
  /** The model that is asked. */
  readonly requestModel: string;
  /** `chat` unless given: `embeddings`, `generate_content`, `text_completion`. */
  readonly operation?: string | undefined;
  /**
   * The request's options by the names model APIs use (`temperature`, `max_tokens`, `top_p`, `stop`, …); those the conventions
   * have a name for are recorded, all others, prompts among them, are not.
   */
  readonly requestOptions?: Readonly<Record<string, unknown>> | undefined;
}

export interface AgentInvocationOptions {
  readonly agentName: string;
  /** The conversation. */
  readonly sessionId?: string | undefined;
  readonly turnId?: string | undefined;
  readonly model?: string | undefined;
}

export interface ToolExecutionOptions {
  readonly toolName: string;
  readonly toolCallId?: string | undefined;
  /** `extension` unless given, a tool the agent's side runs itself: `function`, `datastore`. */
  readonly toolType?: string | undefined;
}

/**
 * Runs `work` as one call of a model. What it throws is thrown on, and recorded by its name and message. `work` runs just the same
 * when nobody keeps the request's trace.
 *
 * @example
 * const answer = await withModelOperation(request, { providerName: "openai", requestModel: "gpt-5" }, async (operation) => {
 *   const answer = await askModel(prompt);
 *   operation.recordUsage({ inputTokens: answer.usage.input, outputTokens: answer.usage.output });
 *   return answer;
 * });
 */
export function withModelOperation<T>(
  parent: GenAIParent,
  { providerName, requestModel, operation = "chat", requestOptions = {} }: ModelOperationOptions,
  work: (operation: GenAIOperation) => T | Promise<T>,
): Promise<T> {
  const attributes = {
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": providerName,
    "gen_ai.request.model": requestModel,
    ...requestAttributes(requestOptions),
  };
  return record({ name: nameOf(operation, requestModel), kind: "client", trace: parent.trace }, attributes, work);
}

/** Runs `work` as one turn of an agent of this provider. As {@link withModelOperation}. */
export function withAgentInvocation<T>(
  parent: GenAIParent,
  { agentName, sessionId, turnId, model }: AgentInvocationOptions,
  work: (operation: GenAIOperation) => T | Promise<T>,
): Promise<T> {
  const attributes = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.provider.name": OWN,
    "gen_ai.agent.name": agentName,
    "gen_ai.conversation.id": sessionId,
    "gen_ai.request.model": model,
    "gestalt.agent.turn_id": turnId,
  };
  return record({ name: nameOf("invoke_agent", agentName), kind: "internal", trace: parent.trace }, attributes, work);
}

/** Runs `work` as one execution of a tool. As {@link withModelOperation}. */
export function withToolExecution<T>(
  parent: GenAIParent,
  { toolName, toolCallId, toolType = "extension" }: ToolExecutionOptions,
  work: (operation: GenAIOperation) => T | Promise<T>,
): Promise<T> {
  const attributes = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.provider.name": OWN,
    "gen_ai.tool.name": toolName,
    "gen_ai.tool.call.id": toolCallId,
    "gen_ai.tool.type": toolType,
  };
  return record({ name: nameOf("execute_tool", toolName), kind: "internal", trace: parent.trace }, attributes, work);
}

/** `gen_ai.provider.name` of what a Gestalt provider does itself; upstream's SDK has the same. */
const OWN = "gestalt";

function nameOf(operation: string, subject: string): string {
  return `${operation} ${subject}`.trim();
}

async function record<T>(
  span: OperationSpan,
  attributes: SpanAttributes,
  work: (operation: GenAIOperation) => T | Promise<T>,
): Promise<T> {
  const operation = new RecordedOperation(span);
  for (const [name, value] of Object.entries(attributes)) operation.setAttribute(name, value);
  try {
    return await work(operation);
  } catch (thrown) {
    const { type, description } = describe(thrown);
    operation.markError(type, description);
    throw thrown;
  } finally {
    operation.end();
  }
}

/** Anything may be thrown, also what throws when it is looked at. */
function describe(thrown: unknown): { readonly type: string; readonly description: string } {
  try {
    if (thrown instanceof Error) return { type: String(thrown.name), description: String(thrown.message) };
    return { type: "_OTHER", description: String(thrown) };
  } catch {
    return { type: "_OTHER", description: "" };
  }
}
