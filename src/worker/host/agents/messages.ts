// The protocol's sessions, turns, events and interactions as plain objects.
import type {
  AgentActor as WireActor,
  AgentTurnDisplay as WireDisplay,
  AgentTurnEvent as WireEvent,
  AgentInteraction as WireInteraction,
  AgentSession as WireSession,
  AgentTurn as WireTurn,
} from "../../../gen/gestalt/provider/v1/agent_pb.ts";
import { dateOf, jsonOf, numberOf } from "../fields.ts";
import { messageFromProtocol } from "./conversation-messages.ts";
import type {
  AgentActor,
  AgentInteraction,
  AgentSession,
  AgentTurn,
  AgentTurnDisplay,
  AgentTurnEvent,
} from "./objects.ts";
import { INTERACTION_STATES, INTERACTION_TYPES, SESSION_STATES, TURN_STATUSES } from "./statuses.ts";

export function sessionFromProtocol(session: WireSession): AgentSession {
  const { id, providerName, model, clientRef, metadata } = session;
  return {
    id,
    providerName,
    model,
    clientRef,
    state: SESSION_STATES.toName(session.state),
    metadata,
    createdBy: actorFromProtocol(session.createdBy),
    createdAt: dateOf(session.createdAt),
    updatedAt: dateOf(session.updatedAt),
    lastTurnAt: dateOf(session.lastTurnAt),
  };
}

export function turnFromProtocol(turn: WireTurn): AgentTurn {
  const { id, sessionId, providerName, model, outputText, structuredOutput, statusMessage, executionRef } = turn;
  return {
    id,
    sessionId,
    providerName,
    model,
    status: TURN_STATUSES.toName(turn.status),
    messages: turn.messages.map(messageFromProtocol),
    outputText,
    structuredOutput,
    statusMessage,
    createdBy: actorFromProtocol(turn.createdBy),
    createdAt: dateOf(turn.createdAt),
    startedAt: dateOf(turn.startedAt),
    completedAt: dateOf(turn.completedAt),
    executionRef,
  };
}

/** Throws INTERNAL for a sequence number past 2^53. */
export function turnEventFromProtocol(event: WireEvent): AgentTurnEvent {
  const { id, turnId, type, source, visibility, data } = event;
  return {
    id,
    turnId,
    seq: numberOf(event.seq, "event sequence number"),
    type,
    source,
    visibility,
    data,
    createdAt: dateOf(event.createdAt),
    display: displayFromProtocol(event.display),
  };
}

export function interactionFromProtocol(interaction: WireInteraction): AgentInteraction {
  const { id, turnId, sessionId, title, prompt, request, resolution } = interaction;
  return {
    id,
    turnId,
    sessionId,
    type: INTERACTION_TYPES.toName(interaction.type),
    state: INTERACTION_STATES.toName(interaction.state),
    title,
    prompt,
    request,
    resolution,
    createdAt: dateOf(interaction.createdAt),
    resolvedAt: dateOf(interaction.resolvedAt),
  };
}

function actorFromProtocol(actor: WireActor | undefined): AgentActor | undefined {
  if (actor === undefined) return undefined;
  const { subjectId, subjectKind, displayName, authSource } = actor;
  return { subjectId, subjectKind, displayName, authSource };
}

function displayFromProtocol(display: WireDisplay | undefined): AgentTurnDisplay | undefined {
  if (display === undefined) return undefined;
  const { kind, phase, text, label, ref, parentRef, action, format, language } = display;
  const { input, output, error } = display;
  return {
    ...{ kind, phase, text, label, ref, parentRef, action, format, language },
    input: jsonOf(input),
    output: jsonOf(output),
    error: jsonOf(error),
  };
}
