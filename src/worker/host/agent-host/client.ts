// For agent providers: the tools and connections of a turn.
import { AgentHost as AgentHostService } from "../../../gen/gestalt/provider/v1/agent_host_pb.ts";
import { hostCalls } from "../calls.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { unaryMethods } from "../unary-method.ts";
import {
  connectionFromProtocol,
  executeToolToProtocol,
  listToolsToProtocol,
  outcomeFromProtocol,
  resolveConnectionToProtocol,
  toolPageFromProtocol,
} from "./messages.ts";
import type {
  AgentTool,
  AgentToolOutcome,
  AgentToolPage,
  ExecuteAgentToolRequest,
  ListAgentToolsRequest,
  ResolveAgentConnectionRequest,
  ResolvedAgentConnection,
} from "./objects.ts";

/**
 * Offered to agent providers only. Each call is for one turn and carries its run grant. Before it goes on gestaltd asks this
 * provider for the turn (`GetTurn`), so that call must not wait for this one: the turn has to be there, of the same session,
 * and live (pending, running or waiting for input).
 *
 * PERMISSION_DENIED when it is not, when the grant is invalid or another turn's, and when it does not cover what is asked for.
 * INVALID_ARGUMENT when something is missing.
 */
export interface AgentHost {
  /** One page of the tools that the turn may use. PERMISSION_DENIED when the turn has no tools from the catalog. */
  listTools(request: ListAgentToolsRequest, options?: HostCallOptions): Promise<AgentToolPage>;
  /**
   * All of them, page by page, from `pageToken` on where one is given. `options` hold for each page.
   *
   * @example
   * for await (const tool of host.agentHost.tools({ sessionId, turnId, runGrant })) known.set(tool.mcpName, tool);
   */
  tools(request: ListAgentToolsRequest, options?: HostCallOptions): AsyncIterable<AgentTool>;
  /**
   * Calls a tool for the turn's subject. What the tool itself refuses is an outcome with a status, not an error. NOT_FOUND when
   * plugin or operation have gone, UNAUTHENTICATED without a credential, FAILED_PRECONDITION with too many of them.
   */
  executeTool(request: ExecuteAgentToolRequest, options?: HostCallOptions): Promise<AgentToolOutcome>;
  /**
   * What to send to an external system directly: headers and parameters with the credential in them. gestaltd may refresh the
   * credential first. PERMISSION_DENIED for a connection outside the grant, UNAUTHENTICATED without a credential.
   */
  resolveConnection(
    request: ResolveAgentConnectionRequest,
    options?: HostCallOptions,
  ): Promise<ResolvedAgentConnection>;
}

export function agentHostClient(link: HostLink): AgentHost {
  const calls = hostCalls(AgentHostService, "agentHost", link);
  const method = unaryMethods("agentHost", link);
  const listTools = method(calls.listTools, listToolsToProtocol, toolPageFromProtocol);
  return {
    listTools,
    tools: (request, options) => toolsFrom(request, (page) => listTools(page, options)),
    executeTool: method(calls.executeTool, executeToolToProtocol, outcomeFromProtocol),
    resolveConnection: method(calls.resolveConnection, resolveConnectionToProtocol, connectionFromProtocol),
  };
}

async function* toolsFrom(
  request: ListAgentToolsRequest,
  list: (page: ListAgentToolsRequest) => Promise<AgentToolPage>,
): AsyncGenerator<AgentTool, void, undefined> {
  let { pageToken } = request;
  do {
    const page = await list({ ...request, pageToken });
    yield* page.tools;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
