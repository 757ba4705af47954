// AgentHost's requests and answers, to and from the protocol's messages.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ExecuteAgentToolRequestSchema,
  ExecuteAgentToolResponse,
  ListAgentToolsRequestSchema,
  ListAgentToolsResponse,
  ListedAgentTool,
  ResolveAgentConnectionRequestSchema,
  ResolvedAgentConnection as WireConnection,
} from "../../../gen/gestalt/provider/v1/agent_host_pb.ts";
import type { OperationAnnotations as WireAnnotations } from "../../../gen/gestalt/provider/v1/catalog_pb.ts";
import type { JsonObject } from "../../../wire/session-token.ts";
import { bareObject } from "../../bare-object.ts";
import type { OperationAnnotations } from "../../plugin/operation.ts";
import { toolRefFromProtocol } from "../agents/conversation-messages.ts";
import { countOf, dateOf, structOf, textOf } from "../fields.ts";
import type {
  AgentTool,
  AgentToolOutcome,
  AgentToolPage,
  ExecuteAgentToolRequest,
  ListAgentToolsRequest,
  ResolveAgentConnectionRequest,
  ResolvedAgentConnection,
} from "./objects.ts";

export function listToolsToProtocol(
  request: ListAgentToolsRequest,
): MessageInitShape<typeof ListAgentToolsRequestSchema> {
  return {
    sessionId: request.sessionId,
    turnId: request.turnId,
    pageSize: countOf(request.pageSize, "pageSize"),
    pageToken: request.pageToken ?? "",
    runGrant: request.runGrant,
    query: request.query ?? "",
  };
}

export function toolPageFromProtocol({ tools, nextPageToken }: ListAgentToolsResponse): AgentToolPage {
  return { tools: tools.map(toolFromProtocol), nextPageToken: textOf(nextPageToken) };
}

export function executeToolToProtocol(
  request: ExecuteAgentToolRequest,
): MessageInitShape<typeof ExecuteAgentToolRequestSchema> {
  return {
    sessionId: request.sessionId,
    turnId: request.turnId,
    toolCallId: request.toolCallId ?? "",
    toolId: request.toolId,
    arguments: structOf(request.arguments, "arguments"),
    idempotencyKey: request.idempotencyKey ?? "",
    runGrant: request.runGrant,
  };
}

export function outcomeFromProtocol({ status, body }: ExecuteAgentToolResponse): AgentToolOutcome {
  return { status, body };
}

export function resolveConnectionToProtocol(
  request: ResolveAgentConnectionRequest,
): MessageInitShape<typeof ResolveAgentConnectionRequestSchema> {
  const { sessionId, turnId, connection, instance = "", runGrant } = request;
  return { sessionId, turnId, connection, instance, runGrant };
}

export function connectionFromProtocol(message: WireConnection): ResolvedAgentConnection {
  const { connectionId, connection, instance, mode } = message;
  return {
    connectionId,
    connection,
    instance,
    mode,
    headers: bareObject(message.headers),
    params: bareObject(message.params),
    expiresAt: dateOf(message.expiresAt),
  };
}

function toolFromProtocol(tool: ListedAgentTool): AgentTool {
  const { id, mcpName, title, description, tags, searchText } = tool;
  return {
    id,
    mcpName,
    title,
    description,
    inputSchema: schemaOf(tool.inputSchema),
    outputSchema: schemaOf(tool.outputSchema),
    annotations: annotationsFromProtocol(tool.annotations),
    ref: tool.ref && toolRefFromProtocol(tool.ref),
    tags,
    searchText,
  };
}

function annotationsFromProtocol(annotations: WireAnnotations | undefined): OperationAnnotations {
  const { readOnlyHint, idempotentHint, destructiveHint, openWorldHint } = annotations ?? {};
  return {
    ...(readOnlyHint !== undefined && { readOnly: readOnlyHint }),
    ...(idempotentHint !== undefined && { idempotent: idempotentHint }),
    ...(destructiveHint !== undefined && { destructive: destructiveHint }),
    ...(openWorldHint !== undefined && { openWorld: openWorldHint }),
  };
}

/** One tool's broken schema is no reason to be without the others. */
function schemaOf(text: string): JsonObject | undefined {
  try {
    const schema: unknown = JSON.parse(text);
    const isObject = typeof schema === "object" && schema !== null && !Array.isArray(schema);
    return isObject ? (schema as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
