// Workflows: runs, schedules, triggers, events.
import { WorkflowManagerHost } from "../../../gen/gestalt/provider/v1/workflow_manager_pb.ts";
import { hostCalls } from "../calls.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { unaryMethods } from "../unary-method.ts";
import { eventFromProtocol } from "./messages.ts";
import type {
  ManagedWorkflowEventTrigger,
  ManagedWorkflowRun,
  ManagedWorkflowRunSignal,
  ManagedWorkflowSchedule,
  WorkflowEvent,
} from "./objects.ts";
import {
  createScheduleToProtocol,
  createTriggerToProtocol,
  managedRunFromProtocol,
  managedRunSignalFromProtocol,
  managedScheduleFromProtocol,
  managedTriggerFromProtocol,
  publishEventToProtocol,
  scheduleIdToProtocol,
  signalOrStartRunToProtocol,
  signalRunToProtocol,
  startRunToProtocol,
  triggerIdToProtocol,
  updateScheduleToProtocol,
  updateTriggerToProtocol,
} from "./request-messages.ts";
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

/**
 * Runs, schedules and triggers of the subject that the call being served is for. What belongs to another subject is NOT_FOUND,
 * as is what does not exist.
 *
 * Without a valid invocation token everything is FAILED_PRECONDITION; so it is where no workflow provider is configured, or
 * where the target's credential is missing. A target that the subject may not call is PERMISSION_DENIED, an unknown plugin or
 * operation NOT_FOUND, a malformed request INVALID_ARGUMENT. Creating with an idempotency key that was used for something else
 * is UNKNOWN: gestaltd has no code for it.
 */
export interface WorkflowManager {
  /**
   * Starts a run now and returns it pending. The same idempotency key returns the run there is, whatever has become of it.
   * FAILED_PRECONDITION while another run of the same workflow key is active.
   */
  startRun(request: StartWorkflowRunRequest, options?: HostCallOptions): Promise<ManagedWorkflowRun>;
  /** Gives an active run a signal and returns both as stored. FAILED_PRECONDITION when the run is finished. */
  signalRun(request: SignalWorkflowRunRequest, options?: HostCallOptions): Promise<ManagedWorkflowRunSignal>;
  /** Signals the active run of the workflow key, or starts one with the signal; which it was is in `startedRun`. */
  signalOrStartRun(
    request: SignalOrStartWorkflowRunRequest,
    options?: HostCallOptions,
  ): Promise<ManagedWorkflowRunSignal>;

  /** gestaltd chooses the id; with an idempotency key it follows from that, subject and plugin. */
  createSchedule(request: CreateWorkflowScheduleRequest, options?: HostCallOptions): Promise<ManagedWorkflowSchedule>;
  getSchedule(request: WorkflowScheduleRequest, options?: HostCallOptions): Promise<ManagedWorkflowSchedule>;
  /** Replaces the schedule as a whole; it keeps its id. Another `providerName` moves it. */
  updateSchedule(request: UpdateWorkflowScheduleRequest, options?: HostCallOptions): Promise<ManagedWorkflowSchedule>;
  deleteSchedule(request: WorkflowScheduleRequest, options?: HostCallOptions): Promise<void>;
  /** Stops further starts. Pausing a paused schedule is success. */
  pauseSchedule(request: WorkflowScheduleRequest, options?: HostCallOptions): Promise<ManagedWorkflowSchedule>;
  /** Allows starts again; what was missed is not made up for. Resuming a running schedule is success. */
  resumeSchedule(request: WorkflowScheduleRequest, options?: HostCallOptions): Promise<ManagedWorkflowSchedule>;

  /** As {@link createSchedule}: a run for each matching event from now on. */
  createTrigger(request: CreateWorkflowTriggerRequest, options?: HostCallOptions): Promise<ManagedWorkflowEventTrigger>;
  getTrigger(request: WorkflowTriggerRequest, options?: HostCallOptions): Promise<ManagedWorkflowEventTrigger>;
  /** As {@link updateSchedule}. */
  updateTrigger(request: UpdateWorkflowTriggerRequest, options?: HostCallOptions): Promise<ManagedWorkflowEventTrigger>;
  deleteTrigger(request: WorkflowTriggerRequest, options?: HostCallOptions): Promise<void>;
  pauseTrigger(request: WorkflowTriggerRequest, options?: HostCallOptions): Promise<ManagedWorkflowEventTrigger>;
  resumeTrigger(request: WorkflowTriggerRequest, options?: HostCallOptions): Promise<ManagedWorkflowEventTrigger>;

  /**
   * Publishes to one workflow provider or to all, which start a run for each matching trigger that is not paused. Returns the
   * event as published, with the id, time and version that were missing. With several providers, and one that fails, those
   * before it have had the event.
   */
  publishEvent(request: PublishWorkflowEventRequest, options?: HostCallOptions): Promise<WorkflowEvent>;
}

export function workflowManagerClient(link: HostLink): WorkflowManager {
  const calls = hostCalls(WorkflowManagerHost, "workflows", link);
  const method = unaryMethods("workflows", link);
  const nothing = () => undefined;
  return {
    startRun: method(calls.startRun, startRunToProtocol, managedRunFromProtocol),
    signalRun: method(calls.signalRun, signalRunToProtocol, managedRunSignalFromProtocol),
    signalOrStartRun: method(calls.signalOrStartRun, signalOrStartRunToProtocol, managedRunSignalFromProtocol),
    createSchedule: method(calls.createSchedule, createScheduleToProtocol, managedScheduleFromProtocol),
    getSchedule: method(calls.getSchedule, scheduleIdToProtocol, managedScheduleFromProtocol),
    updateSchedule: method(calls.updateSchedule, updateScheduleToProtocol, managedScheduleFromProtocol),
    deleteSchedule: method(calls.deleteSchedule, scheduleIdToProtocol, nothing),
    pauseSchedule: method(calls.pauseSchedule, scheduleIdToProtocol, managedScheduleFromProtocol),
    resumeSchedule: method(calls.resumeSchedule, scheduleIdToProtocol, managedScheduleFromProtocol),
    createTrigger: method(calls.createEventTrigger, createTriggerToProtocol, managedTriggerFromProtocol),
    getTrigger: method(calls.getEventTrigger, triggerIdToProtocol, managedTriggerFromProtocol),
    updateTrigger: method(calls.updateEventTrigger, updateTriggerToProtocol, managedTriggerFromProtocol),
    deleteTrigger: method(calls.deleteEventTrigger, triggerIdToProtocol, nothing),
    pauseTrigger: method(calls.pauseEventTrigger, triggerIdToProtocol, managedTriggerFromProtocol),
    resumeTrigger: method(calls.resumeEventTrigger, triggerIdToProtocol, managedTriggerFromProtocol),
    publishEvent: method(calls.publishEvent, publishEventToProtocol, eventFromProtocol),
  };
}
