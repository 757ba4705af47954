// gestaltd's log of the session.
import type { HostLink } from "../link.ts";

export interface RuntimeLogHost {
  readonly todo?: never;
}

export function runtimeLogHostClient(_link: HostLink): RuntimeLogHost {
  return {};
}
