// For agent providers: the tools and connections of a turn.
import type { HostLink } from "../link.ts";

export interface AgentHost {
  readonly todo?: never;
}

export function agentHostClient(_link: HostLink): AgentHost {
  return {};
}
