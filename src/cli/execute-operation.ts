// Executes one operation with a session of its own.
import { randomUUID } from "node:crypto";
import type { Target } from "../bridge/target/target.ts";
import { IntegrationProvider, type OperationResult } from "../gen/gestalt/provider/v1/integration_pb.ts";
import { PROTOCOL_VERSION } from "../wire/limits.ts";
import type { JsonObject } from "../wire/session-token.ts";
import { CliError } from "./errors.ts";
import { explainRefusal, workerClient } from "./worker-client.ts";

export interface OperationCall {
  /** Id of the session. */
  readonly session: string;
  readonly provider: string;
  readonly operation: string;
  readonly params: JsonObject;
  readonly config: JsonObject;
  readonly token: string;
  readonly signal: AbortSignal;
}

/** Throws a CliError that says what the worker refused, and what to do. */
export async function executeOperation(target: Target, call: OperationCall): Promise<OperationResult> {
  return execute(target, call).catch((error: unknown) => {
    throw explainRefusal(error, target);
  });
}

/** gestaltd's own order: GetMetadata, StartProvider, Execute. It refuses an operation that the catalog does not have. */
async function execute(target: Target, call: OperationCall): Promise<OperationResult> {
  const { session, provider, operation, params, config, token, signal } = call;
  const plugin = workerClient(target, IntegrationProvider, { provider, config, session });
  const { staticCatalog, supportsSessionCatalog } = await plugin.getMetadata({}, { signal });
  const known = staticCatalog?.operations.map(({ id }) => id) ?? [];
  if (!known.includes(operation) && !supportsSessionCatalog) throw unknownOperation(provider, operation, known);
  await plugin.startProvider({ name: provider, config, protocolVersion: PROTOCOL_VERSION }, { signal });
  return plugin.execute({ operation, params, token, invocationId: randomUUID() }, { signal });
}

function unknownOperation(provider: string, operation: string, known: readonly string[]): CliError {
  return new CliError({
    what: `"${provider}" has no operation "${operation}"`,
    fix: known.length === 0 ? "Its catalog is empty" : `Its operations: ${known.join(", ")}`,
  });
}
