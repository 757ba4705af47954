// AgentManagerHost: turns, their events and interactions.
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { AgentManagerHost } from "../../../../src/gen/gestalt/provider/v1/agent_manager_pb.ts";
import {
  AgentExecutionStatus,
  AgentInteractionState,
  AgentSessionState,
  type AgentTurn,
} from "../../../../src/gen/gestalt/provider/v1/agent_pb.ts";
import { subjectOf } from "../invocation-tokens.ts";
import { type FakeAgentManager, invalid } from "./manager.ts";
import { isLive } from "./store.ts";

type Handlers = Omit<
  ServiceImpl<typeof AgentManagerHost>,
  "createSession" | "getSession" | "listSessions" | "updateSession"
>;

type ByTurn = Readonly<Record<"turnId" | "invocationToken", string>>;

export function turnHandlers(manager: FakeAgentManager): Handlers {
  const { store } = manager;
  const find = ({ turnId, invocationToken }: ByTurn, context: HandlerContext): AgentTurn => {
    const subject = subjectOf(invocationToken, context);
    if (turnId === "") throw invalid("turn_id is required");
    const turn = store.turns.get(turnId);
    if (turn?.createdBy?.subjectId !== subject) throw new ConnectError("agent turn is not found", Code.NotFound);
    return turn;
  };
  return {
    createTurn: (request, context) => {
      const session = manager.session(request.sessionId, request.invocationToken, context);
      if (session.state === AgentSessionState.ARCHIVED) {
        throw new ConnectError(`session "${session.id}" is archived`, Code.FailedPrecondition);
      }
      const { messages, idempotencyKey } = request;
      const { id: sessionId, providerName, createdBy } = session;
      const key = idempotencyKey && ["turn", sessionId, idempotencyKey].join("\n");
      const model = request.model || session.model;
      return store.createTurn(key, { sessionId, providerName, model, messages, createdBy });
    },
    getTurn: find,
    listTurns: (request, context) => {
      const { id } = manager.session(request.sessionId, request.invocationToken, context);
      const most = manager.bound(request);
      const { status, summaryOnly } = request;
      const turns = [...store.turns.values()]
        .filter(({ sessionId }) => sessionId === id)
        .filter((turn) => status === AgentExecutionStatus.UNSPECIFIED || turn.status === status)
        .reverse()
        .slice(0, most);
      return { turns: summaryOnly ? turns.map((turn) => ({ ...turn, messages: [], outputText: "" })) : turns };
    },
    cancelTurn: (request, context) => {
      const turn = find(request, context);
      if (isLive(turn.status)) {
        const status = AgentExecutionStatus.CANCELED;
        store.change(turn.id, { status, statusMessage: request.reason, completedAt: timestampNow() });
      }
      return turn;
    },
    listTurnEvents: (request, context) => {
      const { id } = find(request, context);
      const events = store.events(id).filter(({ seq }) => seq > request.afterSeq);
      return { events: events.slice(0, request.limit || manager.options.eventsInPage) };
    },
    listInteractions: (request, context) => ({ interactions: store.interactions(find(request, context).id) }),
    resolveInteraction: (request, context) => {
      const turn = find(request, context);
      if (request.interactionId === "") throw invalid("interaction_id is required");
      const found = store.interactions(turn.id).find(({ id }) => id === request.interactionId);
      if (found === undefined) throw new ConnectError("agent interaction is not found", Code.NotFound);
      if (found.state !== AgentInteractionState.PENDING) {
        throw new ConnectError(`interaction "${found.id}" is not pending`, Code.FailedPrecondition);
      }
      const { resolution } = request;
      Object.assign(found, { resolution, state: AgentInteractionState.RESOLVED, resolvedAt: timestampNow() });
      store.change(turn.id, { status: AgentExecutionStatus.RUNNING });
      return found;
    },
  };
}
