// For workflow providers: runs the operations of their workflows.
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type InvokeWorkflowOperationRequestSchema,
  type InvokeWorkflowOperationResponse,
  WorkflowHost as WorkflowHostService,
} from "../../../gen/gestalt/provider/v1/workflow_host_pb.ts";
import type { JsonObject } from "../../../wire/session-token.ts";
import { hostCalls } from "../calls.ts";
import { structOf } from "../fields.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { unaryMethods } from "../unary-method.ts";
import { actorToProtocol, signalToProtocol, triggerToProtocol } from "../workflows/messages.ts";
import type { WorkflowActor, WorkflowRunTrigger, WorkflowSignal } from "../workflows/objects.ts";
import { targetToProtocol } from "../workflows/target-messages.ts";
import type { WorkflowTarget } from "../workflows/targets.ts";

/** Offered to workflow providers only. */
export interface WorkflowHost {
  /**
   * Executes a run's target under the authority of its execution reference. It takes as long as the target does: minutes when
   * that is an agent, whose turn gestaltd polls each second for up to the target's `timeoutSeconds`. gestaltd sets no limit of
   * its own; the request's deadline and `timeoutMs` hold.
   *
   * Before it answers gestaltd asks this provider for the execution reference (`GetExecutionReference`), so that call must
   * not wait for this one.
   *
   * INVALID_ARGUMENT when something is missing. PERMISSION_DENIED when the reference is missing, revoked, another provider's
   * or for another target, or when its subject may not call the target. NOT_FOUND for an unknown plugin or operation,
   * UNAUTHENTICATED without a credential, FAILED_PRECONDITION with too many of them, UNKNOWN for an agent's turn that did not
   * succeed.
   */
  invokeOperation(request: InvokeWorkflowOperation, options?: HostCallOptions): Promise<WorkflowOperationResult>;
}

export interface InvokeWorkflowOperation {
  /** Exactly the one in the execution reference: gestaltd compares them deeply. */
  readonly target: WorkflowTarget;
  /** Agents need it: session and turn are made once per run. */
  readonly runId: string;
  /** The id of the run's execution reference. */
  readonly executionRef: string;
  readonly trigger?: WorkflowRunTrigger | undefined;
  /** Parameters over those of a plugin target's own `input`. */
  readonly input?: JsonObject | undefined;
  readonly metadata?: JsonObject | undefined;
  readonly createdBy?: WorkflowActor | undefined;
  /** Signals given to the run, by their sequence. */
  readonly signals?: readonly WorkflowSignal[] | undefined;
}

export interface WorkflowOperationResult {
  /** HTTP status; 400 and above means that the run has failed. */
  readonly status: number;
  /** A plugin's body, or an agent's output text. */
  readonly body: string;
}

export function workflowHostClient(link: HostLink): WorkflowHost {
  const calls = hostCalls(WorkflowHostService, "workflowHost", link);
  const method = unaryMethods("workflowHost", link);
  return { invokeOperation: method(calls.invokeOperation, invokeToProtocol, resultFromProtocol) };
}

function invokeToProtocol(
  request: InvokeWorkflowOperation,
): MessageInitShape<typeof InvokeWorkflowOperationRequestSchema> {
  return {
    target: targetToProtocol(request.target),
    runId: request.runId,
    trigger: request.trigger && triggerToProtocol(request.trigger),
    input: structOf(request.input, "input"),
    metadata: structOf(request.metadata, "metadata"),
    createdBy: actorToProtocol(request.createdBy),
    executionRef: request.executionRef,
    signals: request.signals?.map(signalToProtocol) ?? [],
  };
}

function resultFromProtocol({ status, body }: InvokeWorkflowOperationResponse): WorkflowOperationResult {
  return { status, body };
}
