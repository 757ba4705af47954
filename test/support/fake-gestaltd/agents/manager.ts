// AgentManagerHost over an agent provider in memory, with gestaltd's checks (reference §4.9).
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { AgentManagerHost } from "../../../../src/gen/gestalt/provider/v1/agent_manager_pb.ts";
import { type AgentSession, AgentSessionState } from "../../../../src/gen/gestalt/provider/v1/agent_pb.ts";
import { subjectOf } from "../invocation-tokens.ts";
import { type Received, recording } from "../received.ts";
import { AgentStore } from "./store.ts";
import { turnHandlers } from "./turns.ts";

export interface FakeAgentsOptions {
  /** Agent providers; the first is the default. */
  readonly providers?: readonly string[];
  /** Whether they have the capabilities to bound lists, and to prepare workspaces. */
  readonly boundedLists?: boolean;
  readonly workspaces?: boolean;
  /** Most events in a page when the caller leaves it to the provider. */
  readonly eventsInPage?: number;
}

type SessionHandlers = Pick<
  ServiceImpl<typeof AgentManagerHost>,
  "createSession" | "getSession" | "listSessions" | "updateSession"
>;

export class FakeAgentManager {
  readonly received: Received<typeof AgentManagerHost>[] = [];
  readonly store = new AgentStore();
  /** May be changed at any time. */
  options: Required<FakeAgentsOptions>;

  constructor(options: FakeAgentsOptions = {}) {
    this.options = { providers: ["memory"], boundedLists: true, workspaces: false, eventsInPage: 100, ...options };
  }

  /** Part of `FakeGestaltdOptions.routes`. */
  route(router: ConnectRouter): void {
    const handlers = { ...this.#sessionHandlers(), ...turnHandlers(this) };
    router.service(AgentManagerHost, recording(AgentManagerHost, handlers, this.received));
  }

  /** Throws NOT_FOUND for another subject's, too. */
  session(id: string, token: string, context: HandlerContext): AgentSession {
    const subject = subjectOf(token, context);
    if (id === "") throw invalid("session_id is required");
    const session = this.store.sessions.get(id);
    if (session?.createdBy?.subjectId !== subject) throw new ConnectError("agent session is not found", Code.NotFound);
    return session;
  }

  /** The end of a list. */
  bound({ limit, summaryOnly }: { readonly limit: number; readonly summaryOnly: boolean }): number {
    if (limit < 0) throw invalid("limit must be non-negative");
    if ((summaryOnly || limit > 0) && !this.options.boundedLists) {
      throw new ConnectError("agent provider does not support bounded list hydration", Code.FailedPrecondition);
    }
    if (limit === 0) return summaryOnly ? SUMMARY_LIMIT : Infinity;
    return Math.min(limit, MOST_IN_LIST);
  }

  #sessionHandlers(): SessionHandlers {
    const { sessions } = this.store;
    return {
      createSession: (request, context) => {
        const subjectId = subjectOf(request.invocationToken, context);
        const providerName = this.#provider(request.providerName);
        checkMetadata(request.metadata);
        if (request.workspace !== undefined && !this.options.workspaces) {
          throw new ConnectError("agent provider does not support workspaces", Code.FailedPrecondition);
        }
        const { model, clientRef, metadata, idempotencyKey } = request;
        const key = idempotencyKey && ["session", providerName, subjectId, idempotencyKey].join("\n");
        const createdBy = { subjectId, subjectKind: "user" };
        const state = AgentSessionState.ACTIVE;
        return this.store.createSession(key, { providerName, model, clientRef, metadata, state, createdBy });
      },
      getSession: ({ sessionId, invocationToken }, context) => this.session(sessionId, invocationToken, context),
      listSessions: (request, context) => {
        const subject = subjectOf(request.invocationToken, context);
        const most = this.bound(request);
        const { state, providerName } = request;
        const listed = [...sessions.values()]
          .filter(({ createdBy }) => createdBy?.subjectId === subject)
          .filter((session) => state === AgentSessionState.UNSPECIFIED || session.state === state)
          .filter((session) => providerName === "" || session.providerName === providerName)
          .reverse();
        const bounded = listed.slice(0, most);
        return { sessions: request.summaryOnly ? bounded.map(({ metadata: _, ...rest }) => rest) : bounded };
      },
      updateSession: (request, context) => {
        const session = this.session(request.sessionId, request.invocationToken, context);
        checkMetadata(request.metadata);
        if (request.clientRef !== "") session.clientRef = request.clientRef;
        if (request.state !== AgentSessionState.UNSPECIFIED) session.state = request.state;
        if (request.metadata !== undefined) session.metadata = request.metadata;
        session.updatedAt = timestampNow();
        return session;
      },
    };
  }

  #provider(name: string): string {
    const [first] = this.options.providers;
    if (first === undefined) throw new ConnectError("agent is not configured", Code.FailedPrecondition);
    if (name !== "" && !this.options.providers.includes(name)) {
      throw new ConnectError(`agent provider is not available: "${name}"`, Code.FailedPrecondition);
    }
    return name === "" ? first : name;
  }
}

/** gestaltd's: the most items in a list, and how many there are in an overview that sets no limit. */
const MOST_IN_LIST = 500;
const SUMMARY_LIMIT = 100;

export function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}

function checkMetadata(metadata: object | undefined): void {
  const reserved = Object.keys(metadata ?? {}).find((key) => key.startsWith("__gestalt."));
  if (reserved !== undefined) throw invalid(`agent session metadata is invalid: key "${reserved}" is reserved`);
}
