// Workflows: runs, schedules, triggers, events.
import type { HostLink } from "../link.ts";

export interface WorkflowManager {
  readonly todo?: never;
}

export function workflowManagerClient(_link: HostLink): WorkflowManager {
  return {};
}
