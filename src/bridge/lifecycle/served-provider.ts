// Asks a worker what it serves and picks the provider a session is for.
import { type DescribeResponse, WorkerService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import type { ProviderKind } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { nameOfKind } from "../kinds.ts";
import { callWorker, type WorkerCallOptions } from "../proxy/worker-call.ts";
import type { Session } from "../session/session.ts";
import { sessionUpstream } from "../session/session-upstream.ts";
import type { Target } from "../target/target.ts";

export interface WantedProvider {
  readonly kind: ProviderKind;
  /** `worker.provider`, when the operator set it. */
  readonly configured: string | undefined;
  /** Names to try when it is not set, the likeliest first. */
  readonly guesses: readonly string[];
}

/** What is deployed. Also proves that the worker is there and trusts this bridge's key. */
export function describeWorker(
  session: Session,
  target: Target,
  options: WorkerCallOptions,
): Promise<DescribeResponse> {
  return callWorker(sessionUpstream(session, target), WorkerService.method.describe, {}, options);
}

/**
 * Name of the provider in the worker's `serve({ … })`: the configured one, else a guess that is served, else the only
 * one of its kind.
 *
 * @throws BridgeError FAILED_PRECONDITION that lists what the worker serves.
 */
export function pickProvider(described: DescribeResponse, wanted: WantedProvider, target: Target): string {
  const fitting = described.providers.filter(({ kind }) => kind === wanted.kind).map(({ name }) => name);
  const candidates = wanted.configured === undefined ? wanted.guesses : [wanted.configured];
  const picked = candidates.find((name) => fitting.includes(name));
  if (picked !== undefined) return picked;
  const [only, ...others] = fitting;
  if (wanted.configured === undefined && only !== undefined && others.length === 0) return only;
  throw new BridgeError(GrpcCode.failedPrecondition, explain(described, wanted, fitting, target));
}

function explain(
  { providers }: DescribeResponse,
  { kind, configured }: WantedProvider,
  fitting: readonly string[],
  target: Target,
): string {
  const where = `the worker at ${target.description}`;
  const served = providers.map(({ name, kind: actual }) => `${name} (${nameOfKind(actual)})`).join(", ") || "nothing";
  if (configured !== undefined) {
    return `${where} serves no ${nameOfKind(kind)} provider "${configured}"; it serves ${served}. Correct worker.provider`;
  }
  if (fitting.length === 0) return `${where} serves no ${nameOfKind(kind)} provider; it serves ${served}`;
  return `${where} serves several ${nameOfKind(kind)} providers: ${fitting.join(", ")}. Set worker.provider to one of them`;
}
