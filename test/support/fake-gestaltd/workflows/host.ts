// WorkflowHost: what gestaltd does with an operation that a workflow provider has it invoke, the call back to the provider's
// GetExecutionReference first (reference §4.8).
import { equals } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  type InvokeWorkflowOperationRequest,
  WorkflowHost,
} from "../../../../src/gen/gestalt/provider/v1/workflow_host_pb.ts";
import {
  BoundWorkflowTargetSchema,
  type WorkflowExecutionReference,
} from "../../../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import { type Received, recording } from "../received.ts";

/** What gestaltd asks of the provider meanwhile: a `Client<typeof WorkflowProvider>` is one. */
export interface ExecutionReferences {
  getExecutionReference(
    request: { readonly id: string },
    options: { readonly signal: AbortSignal },
  ): Promise<WorkflowExecutionReference>;
}

/** An operation, or an agent's turn: what it answers, which may take its time. */
export type WorkflowOperation = (
  request: InvokeWorkflowOperationRequest,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

export interface FakeWorkflowHostOptions {
  /** gestaltd's name for the workflow provider. */
  readonly providerName: string;
  /** By `plugin.operation`, or by `agent` and the agent provider's name: `agent.claude`. */
  readonly operations: Readonly<Record<string, WorkflowOperation>>;
}

export class FakeWorkflowHost {
  readonly received: Received<typeof WorkflowHost>[] = [];
  /** References that the provider was asked for while it waited, in order. */
  readonly asked: string[] = [];
  /** The provider that calls; to be set before it does. */
  provider: ExecutionReferences | undefined;
  readonly #options: FakeWorkflowHostOptions;

  constructor(options: FakeWorkflowHostOptions) {
    this.#options = options;
  }

  /** Part of `FakeGestaltdOptions.routes`. */
  route(router: ConnectRouter): void {
    const invokeOperation = async (request: InvokeWorkflowOperationRequest, { signal }: { signal: AbortSignal }) => {
      const operation = this.#operation(request);
      await this.#checkReference(request, signal);
      return operation(request, signal);
    };
    router.service(WorkflowHost, recording(WorkflowHost, { invokeOperation }, this.received));
  }

  #operation({ target, executionRef }: InvokeWorkflowOperationRequest): WorkflowOperation {
    const kind = target?.kind;
    if (kind?.case === "plugin") {
      if (kind.value.pluginName === "") throw invalid("target.plugin.plugin_name is required");
      if (kind.value.operation === "") throw invalid("target.plugin.operation is required");
    } else if (kind?.case !== "agent") throw invalid("target.plugin.plugin_name is required");
    else if (kind.value.providerName === "") throw invalid("target.agent.provider_name is required");
    if (executionRef === "") throw invalid("execution_ref is required");
    const name =
      kind.case === "plugin" ? `${kind.value.pluginName}.${kind.value.operation}` : `agent.${kind.value.providerName}`;
    const operation = this.#options.operations[name];
    if (operation === undefined) throw failed("operation not found", Code.NotFound);
    return operation;
  }

  /** The re-entrant call. */
  async #checkReference({ executionRef, target }: InvokeWorkflowOperationRequest, signal: AbortSignal): Promise<void> {
    if (this.provider === undefined) throw failed("workflow provider is not available", Code.Internal);
    this.asked.push(executionRef);
    const where = `workflow execution ref "${executionRef}"`;
    const reference = await this.provider.getExecutionReference({ id: executionRef }, { signal }).catch((error) => {
      const { code, rawMessage } = ConnectError.from(error);
      if (code === Code.NotFound) throw denied(`${where} was not found`);
      throw failed(`${where} lookup failed: ${rawMessage}`, Code.Internal);
    });
    if (reference.revokedAt !== undefined) throw denied(`${where} is revoked`);
    if (reference.providerName !== this.#options.providerName) throw denied(`${where} is not valid for this provider`);
    const { target: allowed } = reference;
    if (allowed === undefined || target === undefined || !equals(BoundWorkflowTargetSchema, allowed, target)) {
      throw denied(`${where} target does not match the scheduled invocation`);
    }
  }
}

function invalid(message: string): ConnectError {
  return failed(message, Code.InvalidArgument);
}

function denied(message: string): ConnectError {
  return failed(`authorization denied: ${message}`, Code.PermissionDenied);
}

function failed(message: string, code: Code): ConnectError {
  return new ConnectError(`workflow invoke operation: ${message}`, code);
}
