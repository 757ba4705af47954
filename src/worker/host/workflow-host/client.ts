// For workflow providers: runs the operations of their workflows.
import type { HostLink } from "../link.ts";

export interface WorkflowHost {
  readonly todo?: never;
}

export function workflowHostClient(_link: HostLink): WorkflowHost {
  return {};
}
