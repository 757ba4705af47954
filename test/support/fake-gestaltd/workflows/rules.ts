// What gestaltd's workflow manager lets through, with its codes and texts, and how it completes a target (reference §4.8).
import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import {
  type BoundWorkflowPluginTarget,
  type BoundWorkflowTarget,
  BoundWorkflowTargetSchema,
  type WorkflowEventMatch,
  type WorkflowSignal,
  WorkflowSignalSchema,
} from "../../../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import { callerOf } from "../caller.ts";
import { subjectOf } from "../invocation-tokens.ts";
import { type Owned, userActor, WorkflowStore } from "./store.ts";

export interface FakeWorkflowsOptions {
  /** Workflow providers; the first is the default. */
  readonly providers?: readonly string[];
  /** Plugins that targets may name, and their operations. Nobody may call one whose name ends in "!". */
  readonly operations?: Readonly<Record<string, readonly string[]>>;
}

/** Of a plugin's target that names none. */
export const DEFAULT_CONNECTION = "default";

export class WorkflowRules {
  readonly store = new WorkflowStore();
  readonly providers: readonly string[];
  readonly #operations: Readonly<Record<string, readonly string[]>>;

  constructor({ providers = ["memory"], operations = {} }: FakeWorkflowsOptions) {
    this.providers = providers;
    this.#operations = operations;
  }

  provider(name: string): string {
    const [first] = this.providers;
    if (first === undefined) throw new ConnectError("workflow is not configured", Code.FailedPrecondition);
    if (name !== "" && !this.providers.includes(name)) throw new ConnectError(`unknown workflow provider "${name}"`);
    return name === "" ? first : name;
  }

  /** The target as gestaltd stores it, with the connection it chose. */
  target(given: BoundWorkflowTarget | undefined): BoundWorkflowTarget {
    const kind = given?.kind;
    if (kind?.case === "agent") {
      if (kind.value.providerName === "") throw invalid("target.agent.provider_name is required");
      if (kind.value.prompt === "" && kind.value.messages.length === 0) {
        throw new ConnectError("workflow agent target prompt or messages is required", Code.Unknown);
      }
      return create(BoundWorkflowTargetSchema, { kind });
    }
    if (kind?.case !== "plugin" || kind.value.pluginName === "") throw invalid("target.plugin.plugin_name is required");
    this.#checkOperation(kind.value);
    const value = { ...kind.value, connection: kind.value.connection || DEFAULT_CONNECTION };
    return create(BoundWorkflowTargetSchema, { kind: { case: "plugin", value } });
  }

  /** Who creates what where. With an idempotency key the id follows from it, so that a second request finds it. */
  creation(
    kind: string,
    request: Readonly<Record<"invocationToken" | "idempotencyKey" | "providerName", string>>,
    context: HandlerContext,
  ): { readonly subject: string; readonly provider: string; readonly id: string } {
    const subject = subjectOf(request.invocationToken, context);
    const { idempotencyKey } = request;
    const scope = [callerOf(context).plugin, subject, idempotencyKey].join("/");
    const id = idempotencyKey === "" ? `${kind}-${this.store.nextNumber()}` : `${kind}-of:${scope}`;
    return { subject, provider: this.provider(request.providerName), id };
  }

  #checkOperation({ pluginName, operation }: BoundWorkflowPluginTarget): void {
    if (operation === "") throw invalid("target.plugin.operation is required");
    const operations = this.#operations[pluginName];
    if (operations === undefined) throw new ConnectError(`provider not found: "${pluginName}"`, Code.NotFound);
    if (!operations.includes(operation)) throw new ConnectError("operation not found", Code.NotFound);
    if (operation.endsWith("!")) throw new ConnectError("authorization denied", Code.PermissionDenied);
  }
}

/** Throws NOT_FOUND for what is another subject's, too. */
export function ownedBy<T>(objects: ReadonlyMap<string, Owned<T>>, id: string, subject: string): Owned<T> {
  const found = objects.get(id);
  if (found?.subject !== subject) throw new ConnectError("not found", Code.NotFound);
  return found;
}

/** The signal with what gestaltd fills in. */
export function checkedSignal(signal: WorkflowSignal | undefined, subjectId: string): WorkflowSignal {
  if (signal === undefined || signal.name === "") throw invalid("workflow signal name is required");
  const { createdBy = userActor(subjectId), createdAt = timestampNow() } = signal;
  return create(WorkflowSignalSchema, { ...signal, createdBy, createdAt, sequence: 0n });
}

export function checkedMatch(match: WorkflowEventMatch | undefined): WorkflowEventMatch {
  if (match === undefined || match.type === "") throw invalid("match.type is required");
  return match;
}

/** gestaltd leaves this to the provider. */
export function checkedCron(cron: string): string {
  if (cron.trim().split(/\s+/).length !== 5) throw invalid(`"${cron}" is no cron expression of five fields`);
  return cron;
}

/** gestaltd knows no code for it. */
export function reused(what: string): ConnectError {
  const message = `invalid invocation: workflow ${what} idempotency key reused with different request`;
  return new ConnectError(message, Code.Unknown);
}

export function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
