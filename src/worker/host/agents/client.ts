// Agents: sessions, turns, interactions.
import { AgentManagerHost } from "../../../gen/gestalt/provider/v1/agent_manager_pb.ts";
import { hostCalls } from "../calls.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { unaryMethods } from "../unary-method.ts";
import { eventsFrom } from "./event-pages.ts";
import { interactionFromProtocol, sessionFromProtocol, turnEventFromProtocol, turnFromProtocol } from "./messages.ts";
import type { AgentInteraction, AgentSession, AgentTurn, AgentTurnEvent } from "./objects.ts";
import {
  cancelTurnToProtocol,
  createSessionToProtocol,
  createTurnToProtocol,
  listSessionsToProtocol,
  listTurnEventsToProtocol,
  listTurnsToProtocol,
  resolveInteractionToProtocol,
  sessionIdToProtocol,
  turnIdToProtocol,
  updateSessionToProtocol,
} from "./request-messages.ts";
import type {
  CancelAgentTurnRequest,
  CreateAgentSessionRequest,
  CreateAgentTurnRequest,
  GetAgentSessionRequest,
  GetAgentTurnRequest,
  ListAgentInteractionsRequest,
  ListAgentSessionsRequest,
  ListAgentTurnEventsRequest,
  ListAgentTurnsRequest,
  ResolveAgentInteractionRequest,
  UpdateAgentSessionRequest,
} from "./requests.ts";

/**
 * Sessions and turns of the subject that the call being served is for. What belongs to another subject is NOT_FOUND, as is what
 * does not exist.
 *
 * Without a valid invocation token everything is FAILED_PRECONDITION; so it is where no agent provider is configured, or where
 * it cannot do what the request asks for. A provider or tool that the subject may not use is PERMISSION_DENIED, a malformed
 * request INVALID_ARGUMENT.
 */
export interface AgentManager {
  /**
   * Creates a session, active. gestaltd chooses its id; the same idempotency key returns the session there is. A provider that
   * prepares a workspace may take minutes.
   */
  createSession(request?: CreateAgentSessionRequest, options?: HostCallOptions): Promise<AgentSession>;
  getSession(request: GetAgentSessionRequest, options?: HostCallOptions): Promise<AgentSession>;
  /** The subject's sessions, of one provider or of all it may use: by last turn, else last change, newest first. */
  listSessions(request?: ListAgentSessionsRequest, options?: HostCallOptions): Promise<AgentSession[]>;
  updateSession(request: UpdateAgentSessionRequest, options?: HostCallOptions): Promise<AgentSession>;

  /**
   * Begins a turn and returns it pending or running; the work goes on afterwards. Ask `getTurn` or `turnEvents` for more. The
   * same idempotency key returns the turn there is.
   */
  createTurn(request: CreateAgentTurnRequest, options?: HostCallOptions): Promise<AgentTurn>;
  getTurn(request: GetAgentTurnRequest, options?: HostCallOptions): Promise<AgentTurn>;
  /** Turns of a session by creation, newest first. */
  listTurns(request: ListAgentTurnsRequest, options?: HostCallOptions): Promise<AgentTurn[]>;
  /** Ends a live turn: "canceled", or what it became before. Its tools are refused from then on. */
  cancelTurn(request: CancelAgentTurnRequest, options?: HostCallOptions): Promise<AgentTurn>;

  /** Events that have happened so far, by `seq`; one page of them where `limit`, or the provider, sets an end. */
  listTurnEvents(request: ListAgentTurnEventsRequest, options?: HostCallOptions): Promise<AgentTurnEvent[]>;
  /**
   * The same page by page, to the last event there is when it gets there. It does not wait for the turn's end: to follow a live
   * turn, ask again after the last `seq`. `options` hold for each page.
   *
   * @example
   * for await (const event of host.agents.turnEvents({ turnId })) log(event.seq, event.type);
   */
  turnEvents(request: ListAgentTurnEventsRequest, options?: HostCallOptions): AsyncIterable<AgentTurnEvent>;

  /** All interactions of a turn, resolved ones too. */
  listInteractions(request: ListAgentInteractionsRequest, options?: HostCallOptions): Promise<AgentInteraction[]>;
  /** Answers a pending interaction; the turn goes on. NOT_FOUND when the turn has no such interaction. */
  resolveInteraction(request: ResolveAgentInteractionRequest, options?: HostCallOptions): Promise<AgentInteraction>;
}

export function agentManagerClient(link: HostLink): AgentManager {
  const calls = hostCalls(AgentManagerHost, "agents", link);
  const method = unaryMethods("agents", link);
  const createSession = method(calls.createSession, createSessionToProtocol, sessionFromProtocol);
  const listSessions = method(calls.listSessions, listSessionsToProtocol, (reply) =>
    reply.sessions.map(sessionFromProtocol),
  );
  const listTurnEvents = method(calls.listTurnEvents, listTurnEventsToProtocol, (reply) =>
    reply.events.map(turnEventFromProtocol),
  );
  return {
    createSession: (request = {}, options) => createSession(request, options),
    getSession: method(calls.getSession, sessionIdToProtocol, sessionFromProtocol),
    listSessions: (request = {}, options) => listSessions(request, options),
    updateSession: method(calls.updateSession, updateSessionToProtocol, sessionFromProtocol),
    createTurn: method(calls.createTurn, createTurnToProtocol, turnFromProtocol),
    getTurn: method(calls.getTurn, turnIdToProtocol, turnFromProtocol),
    listTurns: method(calls.listTurns, listTurnsToProtocol, (reply) => reply.turns.map(turnFromProtocol)),
    cancelTurn: method(calls.cancelTurn, cancelTurnToProtocol, turnFromProtocol),
    listTurnEvents,
    turnEvents: (request, options) => eventsFrom(request, (page) => listTurnEvents(page, options)),
    listInteractions: method(calls.listInteractions, turnIdToProtocol, (reply) =>
      reply.interactions.map(interactionFromProtocol),
    ),
    resolveInteraction: method(calls.resolveInteraction, resolveInteractionToProtocol, interactionFromProtocol),
  };
}
