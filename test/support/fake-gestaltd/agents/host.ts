// AgentHost: what gestaltd does with a call of an agent provider, the call back to the provider's GetTurn first (reference §4.9).
import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  AgentHost,
  type ListedAgentToolSchema,
  type ResolvedAgentConnectionSchema,
} from "../../../../src/gen/gestalt/provider/v1/agent_host_pb.ts";
import type { AgentTurn } from "../../../../src/gen/gestalt/provider/v1/agent_pb.ts";
import { type Received, recording } from "../received.ts";
import { isLive } from "./store.ts";

/** What gestaltd asks of the provider meanwhile: a `Client<typeof AgentProvider>` is one. */
export interface AgentTurns {
  getTurn(request: { readonly turnId: string }, options: { readonly signal: AbortSignal }): Promise<AgentTurn>;
}

export interface FakeTool {
  readonly listed: MessageInitShape<typeof ListedAgentToolSchema> & { readonly id: string };
  /** What a call answers, which may take its time. */
  readonly execute: (
    args: JsonObject,
    call: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ) => Promise<{ readonly status: number; readonly body: string }>;
}

export interface FakeAgentHostOptions {
  readonly tools?: readonly FakeTool[];
  /** What the agent provider is bound to, by connection. */
  readonly connections?: Readonly<Record<string, MessageInitShape<typeof ResolvedAgentConnectionSchema>>>;
}

type Scope = Readonly<Record<"sessionId" | "turnId" | "runGrant", string>>;

const PAGE_SIZE = 100;
const MOST_IN_PAGE = 1000;
const GRANT_PREFIX = "run-grant";

export class FakeAgentHost {
  readonly received: Received<typeof AgentHost>[] = [];
  /** Turns that the provider was asked for while it waited, in order. */
  readonly asked: string[] = [];
  /** The provider that calls; to be set before it does. */
  provider: AgentTurns | undefined;
  readonly #options: FakeAgentHostOptions;
  readonly #revoked = new Set<string>();

  constructor(options: FakeAgentHostOptions = {}) {
    this.#options = options;
  }

  /** As gestaltd mints it for CreateTurn. */
  grant(sessionId: string, turnId: string): string {
    return [GRANT_PREFIX, sessionId, turnId].join("/");
  }

  /** As when the turn was cancelled. */
  revoke(grant: string): void {
    this.#revoked.add(grant);
  }

  /** Part of `FakeGestaltdOptions.routes`. */
  route(router: ConnectRouter): void {
    router.service(AgentHost, recording(AgentHost, this.#handlers(), this.received));
  }

  #handlers(): ServiceImpl<typeof AgentHost> {
    const { tools = [], connections = {} } = this.#options;
    return {
      listTools: (request, context) =>
        prefixed("agent list tools", async () => {
          await this.#checkTurn(request, context);
          const { pageSize, pageToken, query } = request;
          const offset = pageToken === "" ? 0 : Number(pageToken);
          if (!Number.isInteger(offset) || offset < 0) throw invalid("page_token is invalid");
          const found = tools.filter(({ listed }) => (listed.searchText ?? "").includes(query));
          const end = offset + Math.min(pageSize || PAGE_SIZE, MOST_IN_PAGE);
          const page = found.slice(offset, end).map(({ listed }) => listed);
          return { tools: page, nextPageToken: end < found.length ? String(end) : "" };
        }),
      executeTool: (request, context) =>
        prefixed("agent execute tool", async () => {
          if (request.toolId === "") throw invalid("tool_id is required");
          const { toolCallId, idempotencyKey } = request;
          if (toolCallId === "" && idempotencyKey === "") throw invalid("tool_call_id or idempotency_key is required");
          await this.#checkTurn(request, context);
          const tool = tools.find(({ listed }) => listed.id === request.toolId);
          if (tool === undefined) throw denied("agent tool id is invalid");
          const key = idempotencyKey || `${request.turnId}/${toolCallId}`;
          return tool.execute(request.arguments ?? {}, { idempotencyKey: key, signal: context.signal });
        }),
      resolveConnection: (request, context) =>
        prefixed("agent resolve connection", async () => {
          if (request.connection === "") throw invalid("connection is required");
          await this.#checkTurn(request, context);
          const { connection, instance } = request;
          const resolved = connections[connection];
          if (resolved === undefined) throw denied(`agent connection "${connection}" is outside the run scope`);
          return { ...resolved, connection, instance };
        }),
    };
  }

  /** The re-entrant call. */
  async #checkTurn({ sessionId, turnId, runGrant }: Scope, { signal }: HandlerContext): Promise<void> {
    if (sessionId === "") throw invalid("session_id is required");
    if (turnId === "") throw invalid("turn_id is required");
    const [prefix, session, granted] = runGrant.split("/");
    if (prefix !== GRANT_PREFIX || this.#revoked.has(runGrant)) throw denied("agent run grant is invalid or expired");
    if (session !== sessionId) throw denied(`agent run grant is not valid for session "${sessionId}"`);
    if (this.provider === undefined) throw denied("agent provider is not available for run grant");
    this.asked.push(turnId);
    const turn = await this.provider.getTurn({ turnId }, { signal }).catch((error) => {
      if (ConnectError.from(error).code === Code.NotFound) throw denied(`agent turn "${turnId}" was not found`);
      throw error;
    });
    if (turn.id !== turnId) throw denied(`agent provider returned turn "${turn.id}" for requested turn "${turnId}"`);
    if (turn.sessionId !== sessionId) throw denied(`agent run grant is not valid for session "${sessionId}"`);
    if (granted !== turnId && granted !== turn.executionRef) {
      throw denied(`agent run grant is not valid for turn "${turnId}"`);
    }
    if (!isLive(turn.status)) throw denied(`agent turn "${turnId}" is not active`);
  }
}

async function prefixed<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    throw new ConnectError(`${what}: ${rawMessage}`, code);
  }
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}

function denied(message: string): ConnectError {
  return new ConnectError(`authorization denied: ${message}`, Code.PermissionDenied);
}
