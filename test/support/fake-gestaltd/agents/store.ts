// What an agent provider keeps, in memory: sessions, turns, their events and interactions (reference §4.9).
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  AgentExecutionStatus,
  type AgentInteraction,
  AgentInteractionSchema,
  AgentInteractionState,
  type AgentSession,
  AgentSessionSchema,
  type AgentTurn,
  type AgentTurnEvent,
  AgentTurnEventSchema,
  AgentTurnSchema,
} from "../../../../src/gen/gestalt/provider/v1/agent_pb.ts";

/** Live turns may use their tools, and be cancelled (reference §2.8). */
const LIVE: readonly AgentExecutionStatus[] = [
  AgentExecutionStatus.PENDING,
  AgentExecutionStatus.RUNNING,
  AgentExecutionStatus.WAITING_FOR_INPUT,
];

export class AgentStore {
  readonly sessions = new Map<string, AgentSession>();
  readonly turns = new Map<string, AgentTurn>();
  readonly #events = new Map<string, AgentTurnEvent[]>();
  readonly #interactions = new Map<string, AgentInteraction[]>();
  readonly #byKey = new Map<string, string>();

  createSession(key: string, init: MessageInitShape<typeof AgentSessionSchema>): AgentSession {
    return this.#once(this.sessions, key, () => {
      const now = timestampNow();
      return create(AgentSessionSchema, {
        ...init,
        id: `session-${this.sessions.size + 1}`,
        createdAt: now,
        updatedAt: now,
      });
    });
  }

  createTurn(key: string, init: MessageInitShape<typeof AgentTurnSchema> & { readonly sessionId: string }): AgentTurn {
    return this.#once(this.turns, key, () => {
      const id = `turn-${this.turns.size + 1}`;
      const session = this.sessions.get(init.sessionId);
      if (session !== undefined) session.lastTurnAt = timestampNow();
      const status = AgentExecutionStatus.PENDING;
      return create(AgentTurnSchema, { ...init, id, executionRef: id, status, createdAt: timestampNow() });
    });
  }

  /** What the agent does while it works. */
  change(turnId: string, change: Partial<MessageInitShape<typeof AgentTurnSchema>>): void {
    const turn = this.#turn(turnId);
    Object.assign(turn, create(AgentTurnSchema, { ...turn, ...change } as never));
  }

  emit(turnId: string, event: MessageInitShape<typeof AgentTurnEventSchema>): void {
    const events = this.events(turnId);
    const seq = BigInt(events.length + 1);
    events.push(create(AgentTurnEventSchema, { ...event, id: `event-${seq}`, turnId, seq, createdAt: timestampNow() }));
  }

  ask(turnId: string, init: MessageInitShape<typeof AgentInteractionSchema>): void {
    const { sessionId } = this.#turn(turnId);
    const interactions = this.interactions(turnId);
    const id = `interaction-${interactions.length + 1}`;
    const state = AgentInteractionState.PENDING;
    const createdAt = timestampNow();
    interactions.push(create(AgentInteractionSchema, { ...init, id, turnId, sessionId, state, createdAt }));
    this.change(turnId, { status: AgentExecutionStatus.WAITING_FOR_INPUT });
  }

  events(turnId: string): AgentTurnEvent[] {
    return listAt(this.#events, turnId);
  }

  interactions(turnId: string): AgentInteraction[] {
    return listAt(this.#interactions, turnId);
  }

  #turn(id: string): AgentTurn {
    const turn = this.turns.get(id);
    if (turn === undefined) throw new ConnectError(`turn "${id}" not found`, Code.NotFound);
    return turn;
  }

  #once<T extends { readonly id: string }>(objects: Map<string, T>, key: string, make: () => T): T {
    const known = objects.get(this.#byKey.get(key) ?? "");
    if (known !== undefined) return known;
    const made = make();
    objects.set(made.id, made);
    if (key !== "") this.#byKey.set(key, made.id);
    return made;
  }
}

export function isLive(status: AgentExecutionStatus): boolean {
  return LIVE.includes(status);
}

function listAt<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
