// Kinds of provider: gestaltd's names in manifests and the numbers of the protocol.
import { ProviderKind as Wire } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import type { ProviderKind } from "../provider.ts";

const WIRE_KINDS: Readonly<Record<ProviderKind, Wire>> = {
  plugin: Wire.INTEGRATION,
  cache: Wire.CACHE,
  s3: Wire.S3,
  secrets: Wire.SECRETS,
  authentication: Wire.AUTHENTICATION,
  authorization: Wire.AUTHORIZATION,
  external_credentials: Wire.EXTERNAL_CREDENTIAL,
  indexeddb: Wire.INDEXEDDB,
  workflow: Wire.WORKFLOW,
  agent: Wire.AGENT,
};

export function wireKind(kind: ProviderKind): Wire {
  return WIRE_KINDS[kind];
}
