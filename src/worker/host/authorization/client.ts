// Decisions and relationships of gestaltd's authorization provider.
import type { HostLink } from "../link.ts";

export interface Authorization {
  readonly todo?: never;
}

export function authorizationClient(_link: HostLink): Authorization {
  return {};
}
