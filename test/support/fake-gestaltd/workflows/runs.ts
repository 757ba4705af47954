// WorkflowManagerHost: runs, signals and events.
import { randomUUID } from "node:crypto";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { WorkflowManagerHost } from "../../../../src/gen/gestalt/provider/v1/workflow_manager_pb.ts";
import { subjectOf } from "../invocation-tokens.ts";
import { checkedSignal, invalid, ownedBy, type WorkflowRules } from "./rules.ts";

type Handlers = Pick<
  ServiceImpl<typeof WorkflowManagerHost>,
  "startRun" | "signalRun" | "signalOrStartRun" | "publishEvent"
>;

const trigger = { kind: { case: "manual" as const, value: {} } };

export function runHandlers(rules: WorkflowRules): Handlers {
  const { store } = rules;
  return {
    startRun: (request, context) => {
      const subject = subjectOf(request.invocationToken, context);
      const { idempotencyKey, workflowKey } = request;
      const provider = rules.provider(request.providerName);
      const run = { target: rules.target(request.target), trigger, workflowKey };
      const { value } = store.startRun({ subject, provider, idempotencyKey, run });
      return { providerName: provider, run: value };
    },
    signalRun: (request, context) => {
      const subject = subjectOf(request.invocationToken, context);
      if (request.runId === "") throw invalid("run_id is required");
      const { provider, value } = ownedBy(store.runs, request.runId, subject);
      const signal = store.signal(value, checkedSignal(request.signal, subject));
      return { providerName: provider, run: value, signal, startedRun: false, workflowKey: value.workflowKey };
    },
    signalOrStartRun: (request, context) => {
      const subject = subjectOf(request.invocationToken, context);
      const { workflowKey, idempotencyKey } = request;
      const target = rules.target(request.target);
      if (workflowKey === "") throw invalid("workflow key is required");
      const provider = rules.provider(request.providerName);
      const signal = checkedSignal(request.signal, subject);
      const active = store.activeRun(provider, workflowKey);
      const run = { target, trigger, workflowKey };
      const { value } = active ?? store.startRun({ subject, provider, idempotencyKey, run });
      const stored = store.signal(value, signal);
      return { providerName: provider, run: value, signal: stored, startedRun: active === undefined, workflowKey };
    },
    publishEvent: ({ invocationToken, event: given, providerName }, context) => {
      subjectOf(invocationToken, context);
      if (given === undefined || given.type === "") throw invalid("workflow event type is required");
      const id = given.id || randomUUID();
      const event = { ...given, id, specVersion: given.specVersion || "1.0", time: given.time ?? timestampNow() };
      const to = providerName === "" ? rules.providers : [rules.provider(providerName)];
      for (const provider of to) store.publish(provider, event);
      return event;
    },
  };
}
