// A database bound to the session.
import type { HostLink } from "../link.ts";

export interface IndexedDB {
  readonly todo?: never;
}

export function indexedDBClient(_link: HostLink): IndexedDB {
  return {};
}
