// WorkflowManagerHost: schedules.
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { WorkflowManagerHost } from "../../../../src/gen/gestalt/provider/v1/workflow_manager_pb.ts";
import {
  type BoundWorkflowSchedule,
  BoundWorkflowScheduleSchema,
} from "../../../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import { subjectOf } from "../invocation-tokens.ts";
import { checkedCron, invalid, ownedBy, reused, type WorkflowRules } from "./rules.ts";
import { type Owned, sameSchedule } from "./store.ts";

type Handlers = Pick<
  ServiceImpl<typeof WorkflowManagerHost>,
  "createSchedule" | "getSchedule" | "updateSchedule" | "deleteSchedule" | "pauseSchedule" | "resumeSchedule"
>;

export function scheduleHandlers(rules: WorkflowRules): Handlers {
  const { store } = rules;
  const find = (request: Readonly<Record<"scheduleId" | "invocationToken", string>>, context: HandlerContext) => {
    const subject = subjectOf(request.invocationToken, context);
    if (request.scheduleId === "") throw invalid("schedule_id is required");
    return ownedBy(store.schedules, request.scheduleId, subject);
  };
  return {
    createSchedule: (request, context) => {
      const { id, ...owner } = rules.creation("schedule", request, context);
      const { cron, timezone, paused } = request;
      const asked = create(BoundWorkflowScheduleSchema, {
        cron,
        timezone,
        paused,
        target: rules.target(request.target),
      });
      const known = store.schedules.get(id);
      if (known === undefined) return managed(store.putSchedule(owner, { ...asked, id, cron: checkedCron(cron) }));
      if (known.provider !== owner.provider || !sameSchedule(known.value, asked)) throw reused("schedule");
      return managed(known);
    },
    getSchedule: (request, context) => managed(find(request, context)),
    updateSchedule: (request, context) => {
      const { subject, value } = find(request, context);
      const provider = rules.provider(request.providerName);
      const { cron, timezone, paused } = request;
      const target = rules.target(request.target);
      const schedule = { id: value.id, cron: checkedCron(cron), timezone, paused, target };
      return managed(store.putSchedule({ subject, provider }, schedule));
    },
    deleteSchedule: (request, context) => {
      store.schedules.delete(find(request, context).value.id);
      return {};
    },
    pauseSchedule: (request, context) => managed(store.pauseSchedule(find(request, context), true)),
    resumeSchedule: (request, context) => managed(store.pauseSchedule(find(request, context), false)),
  };
}

function managed({ provider, value }: Owned<BoundWorkflowSchedule>) {
  return { providerName: provider, schedule: value };
}
