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

/**
 * What is deployed. Also proves that the worker is there and trusts this bridge's key: the first call to a worker, whose
 * errors say where it is and what to do.
 */
export async function describeWorker(
  session: Session,
  target: Target,
  options: WorkerCallOptions,
): Promise<DescribeResponse> {
  const source = sessionUpstream(session, target);
  try {
    return await callWorker(source, WorkerService.method.describe, {}, options);
  } catch (error) {
    throw explainFirstCall(error, target);
  }
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

/** Codes that tell of a worker that is not there, not ours, or not for us; every other error explains itself. */
const REMEDIES: { readonly [code: number]: string } = {
  [GrpcCode.unavailable]: "check that it runs and that this machine can reach it",
  // The bridge is refused: the sentence has its remedy already (proxy/answer.ts).
  [GrpcCode.failedPrecondition]: "",
  [GrpcCode.permissionDenied]: "check what stands before it, such as Cloudflare Access (worker.access)",
  [GrpcCode.unimplemented]: "check that it is a gestalt-edge worker",
  [GrpcCode.unknown]: "check that it is a gestalt-edge worker",
  [GrpcCode.internal]: "check that it is a gestalt-edge worker; its log may say more",
};

function explainFirstCall(error: unknown, { description }: Target): unknown {
  if (!(error instanceof BridgeError)) return error;
  const remedy = REMEDIES[error.code];
  // What the way to the worker says of itself names the place already.
  if (remedy === undefined || error.message.includes(description)) return error;
  const fault = [error.message.replace(/\.$/, ""), remedy].filter((part) => part !== "").join("; ");
  return new BridgeError(error.code, `the worker at ${description}: ${fault}`, { cause: error });
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
