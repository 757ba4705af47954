// What survives a crash of a hosted session: enough to go on with it without asking anybody. It holds the tokens of host
// services, so it stays in memory.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type StartHostedPluginRequest,
  StartHostedPluginRequestSchema,
  type StartPluginRuntimeSessionRequest,
  StartPluginRuntimeSessionRequestSchema,
} from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import type { SessionState } from "./session-state.ts";

export interface KeptSession {
  readonly id: string;
  readonly startedAt: Date;
  readonly request: StartPluginRuntimeSessionRequest;
  /** The session had failed for good. */
  readonly failed: Extract<SessionState, { type: "failed" }> | undefined;
  /** The provider, when it was started. */
  readonly hosted: KeptProvider | undefined;
}

export interface KeptProvider {
  readonly request: StartHostedPluginRequest;
  /** Of the session's socket. */
  readonly path: string;
  /** Its name in the worker's `serve({ … })`. */
  readonly provider: string;
  readonly config: JsonObject | undefined;
  readonly revision: number;
  /** Whether the session has a host channel. */
  readonly hostChannel: boolean;
}

const PREFIX = "session/";

export function keyOfSession(id: string): string {
  return PREFIX + id;
}

export function encodeSession({ hosted, request, startedAt, ...rest }: KeptSession): string {
  return JSON.stringify({
    ...rest,
    startedAt: startedAt.getTime(),
    request: text(toBinary(StartPluginRuntimeSessionRequestSchema, request)),
    hosted: hosted && { ...hosted, request: text(toBinary(StartHostedPluginRequestSchema, hosted.request)) },
  });
}

/** The sessions among all that was kept, the oldest first. */
export function keptSessions(kept: ReadonlyMap<string, string>): KeptSession[] {
  return [...kept].filter(([key]) => key.startsWith(PREFIX)).map(([, value]) => decodeSession(value));
}

function decodeSession(value: string): KeptSession {
  const { hosted, request, startedAt, ...rest } = JSON.parse(value);
  return {
    ...rest,
    startedAt: new Date(startedAt),
    request: fromBinary(StartPluginRuntimeSessionRequestSchema, bytes(request)),
    hosted: hosted && { ...hosted, request: fromBinary(StartHostedPluginRequestSchema, bytes(hosted.request)) },
  };
}

function text(binary: Uint8Array): string {
  return Buffer.from(binary).toString("base64");
}

function bytes(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}
