// Agents: sessions, turns, interactions.
import type { HostLink } from "../link.ts";

export interface AgentManager {
  readonly todo?: never;
}

export function agentManagerClient(_link: HostLink): AgentManager {
  return {};
}
