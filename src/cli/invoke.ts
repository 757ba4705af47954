// `gestalt-edge invoke`: calls one operation of a plugin the way gestaltd would, and shows what its caller would get.

import { randomUUID } from "node:crypto";
import { createSecrets } from "../bridge/log.ts";
import { lastLines } from "../bridge/runtime-logs/last-lines.ts";
import { secretValues } from "../bridge/runtime-logs/secret-values.ts";
import type { SessionLog } from "../bridge/runtime-logs/session-log.ts";
import type { Target } from "../bridge/target/target.ts";
import type { OperationResult } from "../gen/gestalt/provider/v1/integration_pb.ts";
import { defineCommand } from "./command.ts";
import { ExitCode, usageError } from "./errors.ts";
import type { OperationCall } from "./execute-operation.ts";
import { readObject, readSource } from "./read-source.ts";
import { checkTarget, TARGET_OPTIONS } from "./target-options.ts";
import type { Terminal } from "./terminal.ts";
import { milliseconds } from "./units.ts";

/** An HTTP status of this number or higher tells of a failure. */
const FIRST_FAILURE_STATUS = 400;

export const invoke = defineCommand({
  name: "invoke",
  operands: ["NAME.OPERATION", "[JSON|@FILE|-]"],
  about: [
    "Opens a session with the worker, starts the plugin with the given config, and executes the operation once. NAME is",
    "the plugin's name in serve({ … }). The input is JSON, @FILE reads it from a file, - from stdin; without it, {}.",
    "Prints the body on stdout, and on stderr the status and what the plugin logs meanwhile; a deployed worker logs elsewhere.",
    "Exits 0 when the status is below 400, and 1 otherwise.",
  ].join("\n"),
  options: {
    ...TARGET_OPTIONS,
    config: { type: "string", short: "c", value: "JSON|@FILE", help: "The plugin's config" },
    token: { type: "string", value: "@FILE", help: "File with the credential the operation gets as its token" },
  },
  examples: [
    `gestalt-edge invoke search.find '{"query": "pier"}' --config '{"baseUrl": "https://example.com"}'`,
    "gestalt-edge invoke search.find @input.json --project ./search",
    "gestalt-edge invoke search.find - --url https://search.acme.workers.dev --key edge.key < input.json",
  ],
  run: async ({ values, positionals: [name = "", input = "{}"], terminal, signal }) => {
    const { provider, operation } = parseName(name);
    const place = checkTarget(values);
    const params = await readObject(input, "the input", signal);
    const config = values.config === undefined ? {} : await readObject(values.config, "--config", signal);
    const token = values.token === undefined ? "" : await readCredential(values.token, signal);
    const { openTarget } = await import("../bridge/target/open-target.ts");
    const { sessionLines } = await import("./session-lines.ts");
    const secrets = createSecrets();
    for (const secret of [token, ...secretValues(config)]) secrets.add(secret);
    const target = await openTarget(place, { root: process.cwd(), env: process.env, secrets });
    try {
      terminal.progress(`Calling ${name} at ${target.description} …`);
      const call = { session: randomUUID(), provider, operation, params, config, token, signal };
      const { result, time } = await execute(target, call, sessionLines(provider, terminal, secrets));
      show(result, time, terminal);
      return result.status < FIRST_FAILURE_STATUS ? ExitCode.ok : ExitCode.failed;
    } finally {
      await target.close();
    }
  },
});

/** The result and how long it took, in milliseconds. What the worker logs comes before either. */
async function execute(target: Target, call: OperationCall, log: SessionLog) {
  const { executeOperation } = await import("./execute-operation.ts");
  const unfollow = target.followLog?.(call.session, log, "each");
  try {
    const started = performance.now();
    const result = await executeOperation(target, call);
    return { result, time: performance.now() - started };
  } finally {
    if (unfollow !== undefined) await lastLines();
    unfollow?.();
  }
}

function show({ status, body }: OperationResult, time: number, terminal: Terminal): void {
  const data = parseBody(body);
  terminal.data({ status, body: data, milliseconds: Math.round(time) });
  if (terminal.json) return;
  terminal.note(`status ${status}, ${milliseconds(time)}`);
  terminal.print(typeof data === "string" ? data : JSON.stringify(data, null, 2));
}

/** A body is JSON by convention only: gestaltd passes on whatever text it is. */
function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** The first part is the plugin's name, which has no dot; operation ids may have some. */
function parseName(name: string): { provider: string; operation: string } {
  const dot = name.indexOf(".");
  if (dot < 1 || dot === name.length - 1) throw usageError(`"${name}" is not of the form NAME.OPERATION`, "invoke");
  return { provider: name.slice(0, dot), operation: name.slice(dot + 1) };
}

/** A credential comes from a file: an argument would be seen by every user of the machine. */
async function readCredential(source: string, signal: AbortSignal): Promise<string> {
  if (!source.startsWith("@"))
    throw usageError("--token takes @FILE, because arguments are visible to others", "invoke");
  return (await readSource(source, "--token", signal)).trim();
}
