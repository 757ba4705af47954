// Runs, schedules, triggers, signals and events to and from the protocol's messages.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Value } from "@bufbuild/protobuf/wkt";
import {
  type BoundWorkflowEventTrigger,
  type BoundWorkflowRun,
  type BoundWorkflowSchedule,
  WorkflowRunStatus as RunStatus,
  type WorkflowActor as WireActor,
  type WorkflowEvent as WireEvent,
  type WorkflowSignal as WireSignal,
  type WorkflowRunTrigger as WireTrigger,
  type WorkflowActorSchema,
  type WorkflowEventSchema,
  type WorkflowRunTriggerSchema,
  type WorkflowSignalSchema,
} from "../../../gen/gestalt/provider/v1/workflow_pb.ts";
import type { JsonValue } from "../../../wire/session-token.ts";
import { bareObject } from "../../bare-object.ts";
import { enumTable } from "../enum-table.ts";
import { countOf, dateOf, jsonOf, jsonValueOf, numberOf, required, structOf, textOf, timestampOf } from "../fields.ts";
import type {
  WorkflowActor,
  WorkflowEvent,
  WorkflowEventTrigger,
  WorkflowRun,
  WorkflowRunStatus,
  WorkflowRunTrigger,
  WorkflowSchedule,
  WorkflowSignal,
} from "./objects.ts";
import { targetFromProtocol } from "./target-messages.ts";

const RUN_STATUSES = enumTable<WorkflowRunStatus, RunStatus>("run status", {
  pending: RunStatus.PENDING,
  running: RunStatus.RUNNING,
  succeeded: RunStatus.SUCCEEDED,
  failed: RunStatus.FAILED,
  canceled: RunStatus.CANCELED,
});

export function runFromProtocol(message: BoundWorkflowRun | undefined): WorkflowRun {
  const run = required(message, "workflow run");
  const { id, statusMessage, resultBody, executionRef, workflowKey } = run;
  return {
    id,
    status: RUN_STATUSES.toName(run.status),
    target: targetFromProtocol(run.target),
    trigger: triggerFromProtocol(run.trigger),
    createdAt: dateOf(run.createdAt),
    startedAt: dateOf(run.startedAt),
    completedAt: dateOf(run.completedAt),
    statusMessage,
    resultBody,
    createdBy: actorFromProtocol(run.createdBy),
    executionRef,
    workflowKey,
  };
}

export function scheduleFromProtocol(message: BoundWorkflowSchedule | undefined): WorkflowSchedule {
  const schedule = required(message, "workflow schedule");
  const { id, cron, timezone, paused, executionRef } = schedule;
  return {
    id,
    cron,
    timezone,
    target: targetFromProtocol(schedule.target),
    paused,
    createdAt: dateOf(schedule.createdAt),
    updatedAt: dateOf(schedule.updatedAt),
    nextRunAt: dateOf(schedule.nextRunAt),
    createdBy: actorFromProtocol(schedule.createdBy),
    executionRef,
  };
}

export function eventTriggerFromProtocol(message: BoundWorkflowEventTrigger | undefined): WorkflowEventTrigger {
  const trigger = required(message, "workflow trigger");
  const match = required(trigger.match, "match of a workflow trigger");
  const { id, paused, executionRef } = trigger;
  return {
    id,
    match: { type: match.type, source: textOf(match.source), subject: textOf(match.subject) },
    target: targetFromProtocol(trigger.target),
    paused,
    createdAt: dateOf(trigger.createdAt),
    updatedAt: dateOf(trigger.updatedAt),
    createdBy: actorFromProtocol(trigger.createdBy),
    executionRef,
  };
}

/** `sequence` counts where a workflow provider hands stored signals to `workflowHost`; the manager assigns its own. */
export function signalToProtocol(signal: WorkflowSignal): MessageInitShape<typeof WorkflowSignalSchema> {
  return {
    id: signal.id ?? "",
    name: signal.name,
    payload: structOf(signal.payload, "A signal's payload"),
    metadata: structOf(signal.metadata, "A signal's metadata"),
    createdBy: actorToProtocol(signal.createdBy),
    createdAt: timestampOf(signal.createdAt, "A signal's createdAt"),
    idempotencyKey: signal.idempotencyKey ?? "",
    sequence: BigInt(countOf(signal.sequence, "A signal's sequence", Number.MAX_SAFE_INTEGER)),
  };
}

export function signalFromProtocol(message: WireSignal | undefined): WorkflowSignal {
  const signal = required(message, "workflow signal");
  const { name, payload, metadata, sequence } = signal;
  return {
    name,
    id: textOf(signal.id),
    idempotencyKey: textOf(signal.idempotencyKey),
    payload,
    metadata,
    createdBy: actorFromProtocol(signal.createdBy),
    createdAt: dateOf(signal.createdAt),
    sequence: sequence === 0n ? undefined : numberOf(sequence, "sequence number of a signal"),
  };
}

export function eventToProtocol(event: WorkflowEvent): MessageInitShape<typeof WorkflowEventSchema> {
  return {
    id: event.id ?? "",
    source: event.source ?? "",
    specVersion: event.specVersion ?? "",
    type: event.type,
    subject: event.subject ?? "",
    time: timestampOf(event.time, "An event's time"),
    datacontenttype: event.datacontenttype ?? "",
    data: structOf(event.data, "An event's data"),
    extensions: eachValue(event.extensions ?? {}, (value) => jsonValueOf(value, "An event's extension")),
  };
}

export function eventFromProtocol(event: WireEvent): WorkflowEvent {
  const { extensions } = event;
  return {
    type: event.type,
    id: textOf(event.id),
    source: textOf(event.source),
    specVersion: textOf(event.specVersion),
    subject: textOf(event.subject),
    time: dateOf(event.time),
    datacontenttype: textOf(event.datacontenttype),
    data: event.data,
    extensions:
      Object.keys(extensions).length === 0
        ? undefined
        : eachValue<Value, JsonValue>(extensions, (value) => jsonOf(value) ?? null),
  };
}

export function actorToProtocol(
  actor: WorkflowActor | undefined,
): MessageInitShape<typeof WorkflowActorSchema> | undefined {
  if (actor === undefined) return undefined;
  const { subjectId, subjectKind = "", displayName = "", authSource = "" } = actor;
  return { subjectId, subjectKind, displayName, authSource };
}

export function triggerToProtocol(trigger: WorkflowRunTrigger): MessageInitShape<typeof WorkflowRunTriggerSchema> {
  const { schedule, event } = trigger;
  if (schedule !== undefined) {
    const scheduledFor = timestampOf(schedule.scheduledFor, "A trigger's scheduledFor");
    return { kind: { case: "schedule", value: { scheduleId: schedule.scheduleId, scheduledFor } } };
  }
  if (event !== undefined) {
    const value = { triggerId: event.triggerId, event: event.event && eventToProtocol(event.event) };
    return { kind: { case: "event", value } };
  }
  return { kind: { case: "manual", value: {} } };
}

function triggerFromProtocol(trigger: WireTrigger | undefined): WorkflowRunTrigger | undefined {
  switch (trigger?.kind.case) {
    case "manual":
      return { manual: {} };
    case "schedule": {
      const { scheduleId, scheduledFor } = trigger.kind.value;
      return { schedule: { scheduleId, scheduledFor: dateOf(scheduledFor) } };
    }
    case "event": {
      const { triggerId, event } = trigger.kind.value;
      return { event: { triggerId, event: event && eventFromProtocol(event) } };
    }
    default:
      return undefined;
  }
}

function actorFromProtocol(actor: WireActor | undefined): WorkflowActor | undefined {
  if (actor === undefined) return undefined;
  const { subjectId, subjectKind, displayName, authSource } = actor;
  return {
    subjectId,
    subjectKind: textOf(subjectKind),
    displayName: textOf(displayName),
    authSource: textOf(authSource),
  };
}

/** Without a prototype: somebody else chose the keys. */
function eachValue<From, To>(
  entries: Readonly<Record<string, From>>,
  convert: (value: From) => To,
): Record<string, To> {
  const converted = bareObject<Record<string, To>>({});
  for (const [key, value] of Object.entries(entries)) converted[key] = convert(value);
  return converted;
}
