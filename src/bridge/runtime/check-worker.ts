// Finds the worker a session is to run on, and asks it whether it can: is it there, the right image, does it serve such a provider?
import type { DescribeResponse } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import type { ProviderKind } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeEgressMode } from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { type WorkerHosting, workerHosting } from "../channel/worker-hosting.ts";
import { BridgeError } from "../errors.ts";
import { describeWorker, pickProvider } from "../lifecycle/served-provider.ts";
import type { Target } from "../target/target.ts";
import { type ImageReference, imageMatches, imageMetadata, parseReference } from "./image.ts";
import type { FailureReason, SessionState } from "./session-state.ts";
import type { WorkerTargets } from "./worker-targets.ts";

export interface WorkerCheck {
  /** `ready` or `failed`. */
  readonly state: SessionState;
  /** The worker, when there is one that answers. */
  readonly target?: Target;
  /** What it says about host services. */
  readonly hosting?: WorkerHosting;
  /** What it says it enforces of egress policies itself. */
  readonly egressMode?: PluginRuntimeEgressMode;
  /** What it is, in the words of gestaltd's session metadata. */
  readonly image?: Readonly<Record<string, string>>;
}

/** What StartSession says of the worker it wants. */
export interface WorkerName {
  readonly template: string;
  readonly image: string;
  readonly pluginName: string;
}

export interface WantedWorker extends WorkerName {
  /** Of the session. */
  readonly id: string;
  /** Of the provider the worker must serve. */
  readonly kind: ProviderKind;
}

/** A worker that has not said by then what it serves has failed, in milliseconds: gestaltd itself would wait for ever. */
const DESCRIBE_MS = 30_000;

/** The target of a worker that was found before; asks it nothing. */
export function openWorker({ template, image, pluginName }: WorkerName, targets: WorkerTargets): Promise<Target> {
  return targets.open(parseReference(template, image, pluginName)?.worker ?? "");
}

/** Never rejects: what goes wrong is a `failed` state with its reason. */
export async function checkWorker(wanted: WantedWorker, targets: WorkerTargets): Promise<WorkerCheck> {
  const { template, image, pluginName } = wanted;
  const reference = parseReference(template, image, pluginName);
  if (reference === undefined) {
    const message = `"${template || image}" is no worker name; write name or name@sha256:<64 hex digits>`;
    return failure("unknown-worker", message);
  }
  try {
    targets.find(reference.worker);
  } catch (error) {
    return failure("unknown-worker", error);
  }
  return ask(reference, wanted, targets).catch((error: unknown) => failure("worker-unavailable", error));
}

async function ask(reference: ImageReference, session: WantedWorker, targets: WorkerTargets): Promise<WorkerCheck> {
  const { worker } = reference;
  const target = await targets.open(worker);
  const configured = targets.find(worker).provider;
  const described = await describeInTime(configured ?? worker, session, target);
  const image = imageMetadata(reference, described.digest);
  if (!imageMatches(reference, described.digest)) {
    const actual = described.digest || "of unknown digest";
    const message = `${reference.digest} is wanted, and the worker at ${target.description} is ${actual}`;
    return { ...failure("image-mismatch", message), target, image };
  }
  try {
    const wanted = { kind: session.kind, configured, guesses: [worker, session.pluginName] };
    const provider = pickProvider(described, wanted, target);
    const egressMode = described.enforcesEgress ? PluginRuntimeEgressMode.HOSTNAME : PluginRuntimeEgressMode.NONE;
    return {
      state: { type: "ready", provider },
      target,
      hosting: workerHosting(described, provider),
      egressMode,
      image,
    };
  } catch (error) {
    return { ...failure("provider-missing", error), target, image };
  }
}

async function describeInTime(provider: string, session: WantedWorker, target: Target): Promise<DescribeResponse> {
  const { id, pluginName: name } = session;
  const asking = { id, revision: 0, provider, name, config: undefined, variables: {}, hosts: [] };
  const message = `the worker at ${target.description} does not answer within ${DESCRIBE_MS / 1000} s`;
  const controller = new AbortController();
  const late = () => controller.abort(new BridgeError(GrpcCode.deadlineExceeded, message));
  const timer = setTimeout(late, DESCRIBE_MS);
  try {
    return await describeWorker(asking, target, { signal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
}

function failure(reason: FailureReason, cause: unknown): WorkerCheck {
  const message = cause instanceof Error ? cause.message : String(cause);
  return { state: { type: "failed", reason, message } };
}
