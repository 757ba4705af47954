// WorkflowManagerHost over a workflow provider in memory, with gestaltd's checks (reference §4.8).
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { WorkflowManagerHost } from "../../../../src/gen/gestalt/provider/v1/workflow_manager_pb.ts";
import type { WorkflowRunStatus } from "../../../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import { type Received, recording } from "../received.ts";
import { type FakeWorkflowsOptions, WorkflowRules } from "./rules.ts";
import { runHandlers } from "./runs.ts";
import { scheduleHandlers } from "./schedules.ts";
import type { WorkflowStore } from "./store.ts";
import { triggerHandlers } from "./triggers.ts";

export class FakeWorkflowManager {
  readonly received: Received<typeof WorkflowManagerHost>[] = [];
  readonly #rules: WorkflowRules;

  constructor(options: FakeWorkflowsOptions = {}) {
    this.#rules = new WorkflowRules(options);
  }

  /** Part of `FakeGestaltdOptions.routes`. */
  route(router: ConnectRouter): void {
    const rules = this.#rules;
    const handlers = { ...runHandlers(rules), ...scheduleHandlers(rules), ...triggerHandlers(rules) };
    router.service(WorkflowManagerHost, recording(WorkflowManagerHost, handlers, this.received));
  }

  get store(): WorkflowStore {
    return this.#rules.store;
  }

  /** As the provider does when a run has run. */
  finish(runId: string, status: WorkflowRunStatus, resultBody = ""): void {
    const run = this.store.runs.get(runId)?.value;
    if (run === undefined) throw new Error(`no run ${runId}`);
    Object.assign(run, { status, resultBody, startedAt: run.createdAt, completedAt: timestampNow() });
  }
}
