// What a plugin asks of WorkflowManager.
import type { WorkflowEvent, WorkflowEventMatch, WorkflowSignal } from "./objects.ts";
import type { WorkflowTarget } from "./targets.ts";

/** Every request of WorkflowManager. */
export interface WorkflowManagerRequest {
  /** Another token than that of the call being served, such as one `plugins.exchangeInvocationToken` narrowed. A secret. */
  readonly invocationToken?: string | undefined;
}

export interface StartWorkflowRunRequest extends WorkflowManagerRequest {
  /** Absent takes the default workflow provider. */
  readonly providerName?: string | undefined;
  readonly target: WorkflowTarget;
  /** Two requests with one key make one run. */
  readonly idempotencyKey?: string | undefined;
  /** At most one active run per key: FAILED_PRECONDITION while there is another. */
  readonly workflowKey?: string | undefined;
}

export interface SignalWorkflowRunRequest extends WorkflowManagerRequest {
  readonly runId: string;
  readonly signal: WorkflowSignal;
}

/** A key, a signal, and what to start when no run of that key is active. */
export interface SignalOrStartWorkflowRunRequest extends WorkflowManagerRequest {
  /** Absent takes the default workflow provider. */
  readonly providerName?: string | undefined;
  readonly workflowKey: string;
  readonly target: WorkflowTarget;
  readonly signal: WorkflowSignal;
  readonly idempotencyKey?: string | undefined;
}

/** A schedule as it should be. */
interface WorkflowScheduleShape extends WorkflowManagerRequest {
  /** Absent takes the default workflow provider. */
  readonly providerName?: string | undefined;
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name; absent means UTC. */
  readonly timezone?: string | undefined;
  readonly target: WorkflowTarget;
  /** Absent is false. */
  readonly paused?: boolean | undefined;
}

export interface CreateWorkflowScheduleRequest extends WorkflowScheduleShape {
  /** A second request with the same key finds the first one's schedule; with another content it is an error. */
  readonly idempotencyKey?: string | undefined;
}

/** Replaces the schedule as a whole: what is absent here is emptied, not kept. */
export interface UpdateWorkflowScheduleRequest extends WorkflowScheduleShape, WorkflowScheduleRequest {}

export interface WorkflowScheduleRequest extends WorkflowManagerRequest {
  readonly scheduleId: string;
}

/** A trigger as it should be. */
interface WorkflowTriggerShape extends WorkflowManagerRequest {
  /** Absent takes the default workflow provider. */
  readonly providerName?: string | undefined;
  readonly match: WorkflowEventMatch;
  readonly target: WorkflowTarget;
  /** Absent is false. */
  readonly paused?: boolean | undefined;
}

export interface CreateWorkflowTriggerRequest extends WorkflowTriggerShape {
  /** A second request with the same key finds the first one's trigger; with another content it is an error. */
  readonly idempotencyKey?: string | undefined;
}

/** Replaces the trigger as a whole: what is absent here is emptied, not kept. */
export interface UpdateWorkflowTriggerRequest extends WorkflowTriggerShape, WorkflowTriggerRequest {}

export interface WorkflowTriggerRequest extends WorkflowManagerRequest {
  readonly triggerId: string;
}

export interface PublishWorkflowEventRequest extends WorkflowManagerRequest {
  readonly event: WorkflowEvent;
  /** Absent publishes to every workflow provider. */
  readonly providerName?: string | undefined;
}
