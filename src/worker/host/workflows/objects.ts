// Runs, schedules, triggers, signals and events as an author's code sees them. In answers, what is missing is an empty text, or
// undefined.
import type { JsonObject, JsonValue } from "../../../wire/session-token.ts";
import type { OneOf } from "../one-of.ts";
import type { WorkflowTarget } from "./targets.ts";

/** Life of a run: pending, running, then one of the last three for good. */
export type WorkflowRunStatus = "pending" | "running" | "succeeded" | "failed" | "canceled";

/** Who did something: `system:config` for what gestaltd's own configuration creates. */
export interface WorkflowActor {
  readonly subjectId: string;
  readonly subjectKind?: string | undefined;
  readonly displayName?: string | undefined;
  readonly authSource?: string | undefined;
}

/** One run, and the workflow provider that holds it. */
export interface ManagedWorkflowRun {
  readonly providerName: string;
  readonly run: WorkflowRun;
}

export interface WorkflowRun {
  /** Chosen by the workflow provider; opaque. */
  readonly id: string;
  readonly status: WorkflowRunStatus | "unspecified";
  readonly target: WorkflowTarget;
  /** Why the run exists. */
  readonly trigger: WorkflowRunTrigger | undefined;
  readonly createdAt: Date | undefined;
  readonly startedAt: Date | undefined;
  readonly completedAt: Date | undefined;
  /** Why it failed or was cancelled. */
  readonly statusMessage: string;
  /** What the target answered. */
  readonly resultBody: string;
  readonly createdBy: WorkflowActor | undefined;
  /** Under whose authority it runs; opaque. */
  readonly executionRef: string;
  /** At most one active run has a key; empty when it was given none. */
  readonly workflowKey: string;
}

/** Somebody started it, a schedule was due, or an event matched a trigger. */
export type WorkflowRunTrigger = OneOf<{
  manual: Readonly<Record<string, never>>;
  schedule: WorkflowScheduleOccasion;
  event: WorkflowEventOccasion;
}>;

export interface WorkflowScheduleOccasion {
  readonly scheduleId: string;
  /** The due time, which the start may lag behind. Missed times collapse into one run. */
  readonly scheduledFor?: Date | undefined;
}

export interface WorkflowEventOccasion {
  readonly triggerId: string;
  readonly event?: WorkflowEvent | undefined;
}

/** A signal as it was stored, and the run it went to. */
export interface ManagedWorkflowRunSignal {
  readonly providerName: string;
  readonly run: WorkflowRun;
  readonly signal: WorkflowSignal;
  /** Whether the run is new. */
  readonly startedRun: boolean;
  readonly workflowKey: string;
}

/** A message to a run. */
export interface WorkflowSignal {
  readonly name: string;
  /** Repeating a signal with the same idempotency key, or without one with the same id, adds nothing. */
  readonly id?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly payload?: JsonObject | undefined;
  readonly metadata?: JsonObject | undefined;
  /** Absent becomes the subject of the request. */
  readonly createdBy?: WorkflowActor | undefined;
  /** Absent becomes the present. */
  readonly createdAt?: Date | undefined;
  /** Increases within a run. Assigned by the workflow provider: sending one has no effect. */
  readonly sequence?: number | undefined;
}

/** A schedule, and the workflow provider that holds it. */
export interface ManagedWorkflowSchedule {
  readonly providerName: string;
  readonly schedule: WorkflowSchedule;
}

/** A recurring start. */
export interface WorkflowSchedule {
  /** Chosen by gestaltd. */
  readonly id: string;
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name; empty means UTC. */
  readonly timezone: string;
  readonly target: WorkflowTarget;
  readonly paused: boolean;
  readonly createdAt: Date | undefined;
  readonly updatedAt: Date | undefined;
  /** Absent while paused. */
  readonly nextRunAt: Date | undefined;
  readonly createdBy: WorkflowActor | undefined;
  readonly executionRef: string;
}

/** A trigger, and the workflow provider that holds it. */
export interface ManagedWorkflowEventTrigger {
  readonly providerName: string;
  readonly trigger: WorkflowEventTrigger;
}

/** A start on each matching event. */
export interface WorkflowEventTrigger {
  /** Chosen by gestaltd. */
  readonly id: string;
  readonly match: WorkflowEventMatch;
  readonly target: WorkflowTarget;
  readonly paused: boolean;
  readonly createdAt: Date | undefined;
  readonly updatedAt: Date | undefined;
  readonly createdBy: WorkflowActor | undefined;
  readonly executionRef: string;
}

/** All that are given must be equal to the event's. */
export interface WorkflowEventMatch {
  readonly type: string;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
}

/** An event in the manner of CloudEvents. */
export interface WorkflowEvent {
  readonly type: string;
  /** Absent is filled in by gestaltd, as are `specVersion` and `time`. */
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly specVersion?: string | undefined;
  readonly subject?: string | undefined;
  readonly time?: Date | undefined;
  /** Media type of the data. */
  readonly datacontenttype?: string | undefined;
  readonly data?: JsonObject | undefined;
  /** Further attributes. */
  readonly extensions?: Readonly<Record<string, JsonValue>> | undefined;
}
