// What a session can host, by gestaltd's word for it in the session's metadata.
import type { DescService } from "@bufbuild/protobuf";
import { AgentProvider } from "../../gen/gestalt/provider/v1/agent_provider_pb.ts";
import { IntegrationProvider } from "../../gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { WorkflowProvider } from "../../gen/gestalt/provider/v1/workflow_provider_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

export interface HostedKind {
  readonly kind: ProviderKind;
  /** What the session's socket serves. */
  readonly services: readonly DescService[];
  /** Plugins learn their config by IntegrationProvider.StartProvider, all others by the lifecycle's ConfigureProvider. */
  readonly configuredBy: "start" | "lifecycle";
}

/** Metadata key of StartSession (v0.0.1-alpha.20, provider_build.go). */
const KIND_KEY = "provider_kind";

const HOSTED_KINDS: { readonly [name: string]: HostedKind } = {
  plugin: { kind: ProviderKind.INTEGRATION, services: [IntegrationProvider], configuredBy: "start" },
  agent: { kind: ProviderKind.AGENT, services: [ProviderLifecycle, AgentProvider], configuredBy: "lifecycle" },
  workflow: { kind: ProviderKind.WORKFLOW, services: [ProviderLifecycle, WorkflowProvider], configuredBy: "lifecycle" },
};

/**
 * Kind of what a session is to host; a plugin when the metadata does not say.
 *
 * @throws BridgeError INVALID_ARGUMENT when it is a kind that cannot be hosted.
 */
export function hostedKind(metadata: Readonly<Record<string, string>>): HostedKind {
  const name = metadata[KIND_KEY] || "plugin";
  if (Object.hasOwn(HOSTED_KINDS, name) && HOSTED_KINDS[name] !== undefined) return HOSTED_KINDS[name];
  const known = Object.keys(HOSTED_KINDS).join(", ");
  throw new BridgeError(GrpcCode.invalidArgument, `cannot host a provider of kind "${name}", only ${known}`);
}
