// What a caller and an operator see of a gestaltd: its HTTP API and its admin interface.
import assert from "node:assert/strict";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Gestaltd } from "./gestaltd.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface LogLine {
  readonly seq: number;
  readonly sourceSeq?: number;
  readonly stream: string;
  readonly message: string;
}

export async function invoke(gestaltd: Gestaltd, plugin: string, operation: string, input: unknown): Promise<Answer> {
  const answer = await fetch(`${gestaltd.url}/api/v1/${plugin}/${operation}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  return { status: answer.status, body: await answer.json() };
}

/** The body of an operation's answer, which must be a good one. */
export async function invokeWell(
  gestaltd: Gestaltd,
  plugin: string,
  operation: string,
  input: JsonObject = {},
): Promise<JsonObject> {
  const { status, body } = await invoke(gestaltd, plugin, operation, input);
  assert.equal(status, 200, `${JSON.stringify(body)}\n${gestaltd.log()}`);
  return body as JsonObject;
}

/** The JSON at a path, which must be there. */
export async function getJson(gestaltd: Gestaltd, path: string): Promise<unknown> {
  const answer = await fetch(`${gestaltd.url}${path}`);
  assert.equal(answer.status, 200, path);
  return answer.json();
}

/** The runtime log of the session that a plugin has on the runtime `edge`. */
export async function logOf(gestaltd: Gestaltd, plugin: string): Promise<LogLine[]> {
  const path = "/admin/api/v1/runtime/providers/edge/sessions";
  const sessions = (await getJson(gestaltd, path)) as { readonly id: string; readonly plugin?: string }[];
  const session = sessions.find((one) => one.plugin === plugin);
  assert.ok(session, `${plugin} has a session: ${JSON.stringify(sessions)}`);
  return (await getJson(gestaltd, `${path}/${session.id}/logs`)) as LogLine[];
}
