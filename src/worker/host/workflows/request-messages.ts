// WorkflowManager's requests and answers, to and from the protocol's messages.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ManagedWorkflowRun as WireManagedRun,
  ManagedWorkflowSchedule as WireManagedSchedule,
  ManagedWorkflowRunSignal as WireManagedSignal,
  ManagedWorkflowEventTrigger as WireManagedTrigger,
  WorkflowManagerCreateEventTriggerRequestSchema,
  WorkflowManagerCreateScheduleRequestSchema,
  WorkflowManagerPublishEventRequestSchema,
  WorkflowManagerSignalOrStartRunRequestSchema,
  WorkflowManagerSignalRunRequestSchema,
  WorkflowManagerStartRunRequestSchema,
  WorkflowManagerUpdateEventTriggerRequestSchema,
  WorkflowManagerUpdateScheduleRequestSchema,
} from "../../../gen/gestalt/provider/v1/workflow_manager_pb.ts";
import {
  eventToProtocol,
  eventTriggerFromProtocol,
  runFromProtocol,
  scheduleFromProtocol,
  signalFromProtocol,
  signalToProtocol,
} from "./messages.ts";
import type {
  ManagedWorkflowEventTrigger,
  ManagedWorkflowRun,
  ManagedWorkflowRunSignal,
  ManagedWorkflowSchedule,
} from "./objects.ts";
import type {
  CreateWorkflowScheduleRequest,
  CreateWorkflowTriggerRequest,
  PublishWorkflowEventRequest,
  SignalOrStartWorkflowRunRequest,
  SignalWorkflowRunRequest,
  StartWorkflowRunRequest,
  UpdateWorkflowScheduleRequest,
  UpdateWorkflowTriggerRequest,
  WorkflowScheduleRequest,
  WorkflowTriggerRequest,
} from "./requests.ts";
import { targetToProtocol } from "./target-messages.ts";

export function startRunToProtocol(
  request: StartWorkflowRunRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerStartRunRequestSchema> {
  return {
    providerName: request.providerName ?? "",
    target: targetToProtocol(request.target),
    idempotencyKey: request.idempotencyKey ?? "",
    workflowKey: request.workflowKey ?? "",
    invocationToken,
  };
}

export function signalRunToProtocol(
  { runId, signal }: SignalWorkflowRunRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerSignalRunRequestSchema> {
  return { runId, signal: signalToProtocol(signal), invocationToken };
}

export function signalOrStartRunToProtocol(
  request: SignalOrStartWorkflowRunRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerSignalOrStartRunRequestSchema> {
  return {
    providerName: request.providerName ?? "",
    workflowKey: request.workflowKey,
    target: targetToProtocol(request.target),
    idempotencyKey: request.idempotencyKey ?? "",
    signal: signalToProtocol(request.signal),
    invocationToken,
  };
}

export function createScheduleToProtocol(
  request: CreateWorkflowScheduleRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerCreateScheduleRequestSchema> {
  return { ...scheduleShape(request, invocationToken), idempotencyKey: request.idempotencyKey ?? "" };
}

export function updateScheduleToProtocol(
  request: UpdateWorkflowScheduleRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerUpdateScheduleRequestSchema> {
  return { ...scheduleShape(request, invocationToken), scheduleId: request.scheduleId };
}

/** For the four methods that take nothing else. */
export function scheduleIdToProtocol({ scheduleId }: WorkflowScheduleRequest, invocationToken: string) {
  return { scheduleId, invocationToken };
}

export function createTriggerToProtocol(
  request: CreateWorkflowTriggerRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerCreateEventTriggerRequestSchema> {
  return { ...triggerShape(request, invocationToken), idempotencyKey: request.idempotencyKey ?? "" };
}

export function updateTriggerToProtocol(
  request: UpdateWorkflowTriggerRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerUpdateEventTriggerRequestSchema> {
  return { ...triggerShape(request, invocationToken), triggerId: request.triggerId };
}

/** For the four methods that take nothing else. */
export function triggerIdToProtocol({ triggerId }: WorkflowTriggerRequest, invocationToken: string) {
  return { triggerId, invocationToken };
}

export function publishEventToProtocol(
  { event, providerName = "" }: PublishWorkflowEventRequest,
  invocationToken: string,
): MessageInitShape<typeof WorkflowManagerPublishEventRequestSchema> {
  return { event: eventToProtocol(event), providerName, invocationToken };
}

export function managedRunFromProtocol({ providerName, run }: WireManagedRun): ManagedWorkflowRun {
  return { providerName, run: runFromProtocol(run) };
}

export function managedRunSignalFromProtocol(managed: WireManagedSignal): ManagedWorkflowRunSignal {
  const { providerName, startedRun, workflowKey } = managed;
  return {
    providerName,
    run: runFromProtocol(managed.run),
    signal: signalFromProtocol(managed.signal),
    startedRun,
    workflowKey,
  };
}

export function managedScheduleFromProtocol(managed: WireManagedSchedule): ManagedWorkflowSchedule {
  return { providerName: managed.providerName, schedule: scheduleFromProtocol(managed.schedule) };
}

export function managedTriggerFromProtocol(managed: WireManagedTrigger): ManagedWorkflowEventTrigger {
  return { providerName: managed.providerName, trigger: eventTriggerFromProtocol(managed.trigger) };
}

/** What creating and updating have in common. */
function scheduleShape(
  request: CreateWorkflowScheduleRequest | UpdateWorkflowScheduleRequest,
  invocationToken: string,
) {
  return {
    providerName: request.providerName ?? "",
    cron: request.cron,
    timezone: request.timezone ?? "",
    target: targetToProtocol(request.target),
    paused: request.paused ?? false,
    invocationToken,
  };
}

function triggerShape(request: CreateWorkflowTriggerRequest | UpdateWorkflowTriggerRequest, invocationToken: string) {
  const { type, source = "", subject = "" } = request.match;
  return {
    providerName: request.providerName ?? "",
    match: { type, source, subject },
    target: targetToProtocol(request.target),
    paused: request.paused ?? false,
    invocationToken,
  };
}
