// A cache bound to the session.
import type { HostLink } from "../link.ts";

export interface Cache {
  readonly todo?: never;
}

export function cacheClient(_link: HostLink): Cache {
  return {};
}
