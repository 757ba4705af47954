// An object store bound to the session.
import type { HostLink } from "../link.ts";

export interface S3 {
  readonly todo?: never;
}

export function s3Client(_link: HostLink): S3 {
  return {};
}
