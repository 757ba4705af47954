// What a workflow provider keeps, in memory: runs, signals, schedules and triggers of each subject (reference §4.8).
import { create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type BoundWorkflowEventTrigger,
  BoundWorkflowEventTriggerSchema,
  type BoundWorkflowRun,
  BoundWorkflowRunSchema,
  type BoundWorkflowSchedule,
  BoundWorkflowScheduleSchema,
  BoundWorkflowTargetSchema,
  type WorkflowActor,
  WorkflowActorSchema,
  type WorkflowEvent,
  WorkflowRunStatus,
  type WorkflowSignal,
} from "../../../../src/gen/gestalt/provider/v1/workflow_pb.ts";

/** An object, whose it is, and which provider holds it. */
export interface Owned<T> {
  readonly subject: string;
  readonly provider: string;
  readonly value: T;
}

export interface StartRun {
  readonly subject: string;
  readonly provider: string;
  readonly idempotencyKey: string;
  readonly run: MessageInitShape<typeof BoundWorkflowRunSchema>;
}

export class WorkflowStore {
  readonly runs = new Map<string, Owned<BoundWorkflowRun>>();
  readonly schedules = new Map<string, Owned<BoundWorkflowSchedule>>();
  readonly triggers = new Map<string, Owned<BoundWorkflowEventTrigger>>();
  readonly #signals = new Map<string, WorkflowSignal[]>();
  readonly #runsByKey = new Map<string, string>();
  #number = 0;

  nextNumber(): number {
    this.#number += 1;
    return this.#number;
  }

  startRun({ subject, provider, idempotencyKey, run }: StartRun): Owned<BoundWorkflowRun> {
    const scope = idempotencyKey && [provider, idempotencyKey].join("\n");
    const known = this.runs.get(this.#runsByKey.get(scope) ?? "");
    if (known !== undefined) return known;
    if (run.workflowKey && this.activeRun(provider, run.workflowKey) !== undefined) {
      throw new ConnectError(`workflow key "${run.workflowKey}" has an active run`, Code.FailedPrecondition);
    }
    const id = `run:${this.nextNumber()}`;
    const value = create(BoundWorkflowRunSchema, {
      ...run,
      id,
      status: WorkflowRunStatus.PENDING,
      createdAt: timestampNow(),
      createdBy: userActor(subject),
      executionRef: `workflow_run:${id}`,
    });
    const owned = { subject, provider, value };
    this.runs.set(id, owned);
    if (scope) this.#runsByKey.set(scope, id);
    return owned;
  }

  activeRun(provider: string, workflowKey: string): Owned<BoundWorkflowRun> | undefined {
    return [...this.runs.values()].find(
      (run) => run.provider === provider && run.value.workflowKey === workflowKey && isActive(run.value),
    );
  }

  /** The signal as stored: the one before it with the same key, or without keys the same id, or itself with a number. */
  signal(run: BoundWorkflowRun, signal: WorkflowSignal): WorkflowSignal {
    if (!isActive(run)) throw new ConnectError(`workflow run "${run.id}" is finished`, Code.FailedPrecondition);
    const signals = this.#signals.get(run.id) ?? [];
    this.#signals.set(run.id, signals);
    const known = signals.find(({ idempotencyKey, id }) =>
      signal.idempotencyKey === "" ? signal.id !== "" && id === signal.id : idempotencyKey === signal.idempotencyKey,
    );
    if (known !== undefined) return known;
    signal.sequence = BigInt(signals.length + 1);
    signals.push(signal);
    return signal;
  }

  putSchedule(
    owner: Omit<Owned<never>, "value">,
    init: MessageInitShape<typeof BoundWorkflowScheduleSchema> & { readonly id: string },
  ): Owned<BoundWorkflowSchedule> {
    const known = this.schedules.get(init.id)?.value;
    const now = timestampNow();
    const value = create(BoundWorkflowScheduleSchema, {
      ...init,
      createdAt: known?.createdAt ?? now,
      updatedAt: now,
      createdBy: known?.createdBy ?? userActor(owner.subject),
      executionRef: `workflow_schedule:${init.id}:ref`,
    });
    return this.#keep(this.schedules, { ...owner, value: withNextRun(value) });
  }

  putTrigger(
    owner: Omit<Owned<never>, "value">,
    init: MessageInitShape<typeof BoundWorkflowEventTriggerSchema> & { readonly id: string },
  ): Owned<BoundWorkflowEventTrigger> {
    const known = this.triggers.get(init.id)?.value;
    const now = timestampNow();
    const value = create(BoundWorkflowEventTriggerSchema, {
      ...init,
      createdAt: known?.createdAt ?? now,
      updatedAt: now,
      createdBy: known?.createdBy ?? userActor(owner.subject),
      executionRef: `workflow_event_trigger:${init.id}:ref`,
    });
    return this.#keep(this.triggers, { ...owner, value });
  }

  pauseSchedule(owned: Owned<BoundWorkflowSchedule>, paused: boolean): Owned<BoundWorkflowSchedule> {
    owned.value.paused = paused;
    withNextRun(owned.value);
    return owned;
  }

  /** A run for each trigger of the provider that matches and is not paused. */
  publish(provider: string, event: WorkflowEvent): void {
    for (const { subject, provider: holder, value } of this.triggers.values()) {
      if (holder !== provider || value.paused || !matches(value, event)) continue;
      const trigger = { kind: { case: "event" as const, value: { triggerId: value.id, event } } };
      this.startRun({ subject, provider, idempotencyKey: "", run: { target: value.target, trigger } });
    }
  }

  #keep<T extends { id: string }>(objects: Map<string, Owned<T>>, owned: Owned<T>): Owned<T> {
    objects.set(owned.value.id, owned);
    return owned;
  }
}

/** gestaltd's word for who a request is of. */
export function userActor(subjectId: string): WorkflowActor {
  return create(WorkflowActorSchema, { subjectId, subjectKind: "user" });
}

function isActive({ status }: BoundWorkflowRun): boolean {
  return status === WorkflowRunStatus.PENDING || status === WorkflowRunStatus.RUNNING;
}

/** Whether a second request with one idempotency key asks for what the first one made. */
export function sameSchedule(known: BoundWorkflowSchedule, asked: BoundWorkflowSchedule): boolean {
  const { cron, timezone, paused, target } = asked;
  return known.cron === cron && known.timezone === timezone && known.paused === paused && sameTarget(known, { target });
}

export function sameTrigger(known: BoundWorkflowEventTrigger, asked: BoundWorkflowEventTrigger): boolean {
  const { type, source, subject } = asked.match ?? {};
  const { match } = known;
  const sameMatch = match?.type === type && match?.source === source && match?.subject === subject;
  return sameMatch && known.paused === asked.paused && sameTarget(known, asked);
}

type WithTarget = Pick<BoundWorkflowRun, "target">;

function sameTarget({ target: one }: WithTarget, { target: other }: WithTarget): boolean {
  return one !== undefined && other !== undefined && equals(BoundWorkflowTargetSchema, one, other);
}

function matches({ match }: BoundWorkflowEventTrigger, { type, source, subject }: WorkflowEvent): boolean {
  if (match?.type !== type) return false;
  return (match.source === "" || match.source === source) && (match.subject === "" || match.subject === subject);
}

function withNextRun(schedule: BoundWorkflowSchedule): BoundWorkflowSchedule {
  if (schedule.paused) delete schedule.nextRunAt;
  else schedule.nextRunAt = { ...timestampNow(), nanos: 0 };
  return schedule;
}
