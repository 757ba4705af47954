// WorkflowManagerHost: event triggers.
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { WorkflowManagerHost } from "../../../../src/gen/gestalt/provider/v1/workflow_manager_pb.ts";
import {
  type BoundWorkflowEventTrigger,
  BoundWorkflowEventTriggerSchema,
} from "../../../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import { subjectOf } from "../invocation-tokens.ts";
import { checkedMatch, invalid, ownedBy, reused, type WorkflowRules } from "./rules.ts";
import { type Owned, sameTrigger } from "./store.ts";

type Handlers = Pick<
  ServiceImpl<typeof WorkflowManagerHost>,
  | "createEventTrigger"
  | "getEventTrigger"
  | "updateEventTrigger"
  | "deleteEventTrigger"
  | "pauseEventTrigger"
  | "resumeEventTrigger"
>;

type ById = Readonly<Record<"triggerId" | "invocationToken", string>>;

export function triggerHandlers(rules: WorkflowRules): Handlers {
  const { store } = rules;
  const find = (request: ById, context: HandlerContext) => {
    const subject = subjectOf(request.invocationToken, context);
    if (request.triggerId === "") throw invalid("trigger_id is required");
    return ownedBy(store.triggers, request.triggerId, subject);
  };
  const pause = (request: ById, context: HandlerContext, paused: boolean) => {
    const found = find(request, context);
    found.value.paused = paused;
    return managed(found);
  };
  return {
    createEventTrigger: (request, context) => {
      const { id, ...owner } = rules.creation("trigger", request, context);
      const shape = {
        match: checkedMatch(request.match),
        target: rules.target(request.target),
        paused: request.paused,
      };
      const known = store.triggers.get(id);
      if (known === undefined) return managed(store.putTrigger(owner, { id, ...shape }));
      const same = sameTrigger(known.value, create(BoundWorkflowEventTriggerSchema, shape));
      if (known.provider !== owner.provider || !same) throw reused("trigger");
      return managed(known);
    },
    getEventTrigger: (request, context) => managed(find(request, context)),
    updateEventTrigger: (request, context) => {
      const { subject, value } = find(request, context);
      const provider = rules.provider(request.providerName);
      const shape = {
        match: checkedMatch(request.match),
        target: rules.target(request.target),
        paused: request.paused,
      };
      return managed(store.putTrigger({ subject, provider }, { id: value.id, ...shape }));
    },
    deleteEventTrigger: (request, context) => {
      store.triggers.delete(find(request, context).value.id);
      return {};
    },
    pauseEventTrigger: (request, context) => pause(request, context, true),
    resumeEventTrigger: (request, context) => pause(request, context, false),
  };
}

function managed({ provider, value }: Owned<BoundWorkflowEventTrigger>) {
  return { providerName: provider, trigger: value };
}
