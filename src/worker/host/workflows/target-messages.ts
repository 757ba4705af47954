// Targets to and from the protocol's messages. Nothing is lost on the way and back: gestaltd compares targets deeply.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  BoundWorkflowAgentTarget,
  BoundWorkflowAgentTargetSchema,
  BoundWorkflowPluginTarget,
  BoundWorkflowPluginTargetSchema,
  BoundWorkflowTarget,
  BoundWorkflowTargetSchema,
  WorkflowOutputDelivery as WireDelivery,
  WorkflowOutputValueSource as WireSource,
  WorkflowOutputDeliverySchema,
  WorkflowOutputValueSourceSchema,
} from "../../../gen/gestalt/provider/v1/workflow_pb.ts";
import {
  messageFromProtocol,
  messageToProtocol,
  toolRefFromProtocol,
  toolRefToProtocol,
} from "../agents/conversation-messages.ts";
import { countOf, jsonOf, jsonValueOf, malformed, required, structOf, textOf } from "../fields.ts";
import type {
  WorkflowAgentTarget,
  WorkflowOutputDelivery,
  WorkflowOutputSource,
  WorkflowPluginTarget,
  WorkflowTarget,
} from "./targets.ts";

/** Throws INVALID_ARGUMENT for a target that is neither, or both. */
export function targetToProtocol(target: WorkflowTarget): MessageInitShape<typeof BoundWorkflowTargetSchema> {
  const { plugin, agent } = target;
  if (plugin !== undefined && agent === undefined) return { kind: { case: "plugin", value: pluginToProtocol(plugin) } };
  if (agent !== undefined && plugin === undefined) return { kind: { case: "agent", value: agentToProtocol(agent) } };
  throw new ConnectError("A workflow target needs exactly one of plugin and agent.", Code.InvalidArgument);
}

/** Throws INTERNAL when there is none: gestaltd neither stores nor returns such a thing. */
export function targetFromProtocol(target: BoundWorkflowTarget | undefined): WorkflowTarget {
  switch (target?.kind.case) {
    case "plugin":
      return { plugin: pluginFromProtocol(target.kind.value) };
    case "agent":
      return { agent: agentFromProtocol(target.kind.value) };
    default:
      throw malformed("no workflow target");
  }
}

function pluginToProtocol(target: WorkflowPluginTarget): MessageInitShape<typeof BoundWorkflowPluginTargetSchema> {
  return {
    pluginName: target.pluginName,
    operation: target.operation,
    input: structOf(target.input, "A workflow target's input"),
    connection: target.connection ?? "",
    instance: target.instance ?? "",
    credentialMode: target.credentialMode ?? "",
  };
}

function pluginFromProtocol(target: BoundWorkflowPluginTarget): WorkflowPluginTarget {
  return {
    pluginName: target.pluginName,
    operation: target.operation,
    input: target.input,
    connection: textOf(target.connection),
    instance: textOf(target.instance),
    credentialMode: textOf(target.credentialMode),
  };
}

function agentToProtocol(target: WorkflowAgentTarget): MessageInitShape<typeof BoundWorkflowAgentTargetSchema> {
  return {
    providerName: target.providerName,
    model: target.model ?? "",
    prompt: target.prompt ?? "",
    messages: target.messages?.map(messageToProtocol) ?? [],
    toolRefs: target.toolRefs?.map(toolRefToProtocol) ?? [],
    responseSchema: structOf(target.responseSchema, "A workflow target's responseSchema"),
    metadata: structOf(target.metadata, "A workflow target's metadata"),
    timeoutSeconds: countOf(target.timeoutSeconds, "A workflow target's timeoutSeconds"),
    outputDelivery: target.outputDelivery && deliveryToProtocol(target.outputDelivery),
    modelOptions: structOf(target.modelOptions, "A workflow target's modelOptions"),
  };
}

function agentFromProtocol(target: BoundWorkflowAgentTarget): WorkflowAgentTarget {
  const { messages, toolRefs } = target;
  return {
    providerName: target.providerName,
    model: textOf(target.model),
    prompt: textOf(target.prompt),
    messages: messages.length === 0 ? undefined : messages.map(messageFromProtocol),
    toolRefs: toolRefs.length === 0 ? undefined : toolRefs.map(toolRefFromProtocol),
    responseSchema: target.responseSchema,
    metadata: target.metadata,
    timeoutSeconds: target.timeoutSeconds === 0 ? undefined : target.timeoutSeconds,
    outputDelivery: target.outputDelivery && deliveryFromProtocol(target.outputDelivery),
    modelOptions: target.modelOptions,
  };
}

function deliveryToProtocol(delivery: WorkflowOutputDelivery): MessageInitShape<typeof WorkflowOutputDeliverySchema> {
  return {
    target: pluginToProtocol(delivery.target),
    inputBindings:
      delivery.inputBindings?.map(({ inputField, value }) => ({ inputField, value: sourceToProtocol(value) })) ?? [],
    credentialMode: delivery.credentialMode ?? "",
  };
}

function deliveryFromProtocol({ target, inputBindings, credentialMode }: WireDelivery): WorkflowOutputDelivery {
  return {
    target: pluginFromProtocol(required(target, "target of a workflow's output")),
    inputBindings:
      inputBindings.length === 0
        ? undefined
        : inputBindings.map(({ inputField, value }) => ({ inputField, value: sourceFromProtocol(value) })),
    credentialMode: textOf(credentialMode),
  };
}

function sourceToProtocol(source: WorkflowOutputSource): MessageInitShape<typeof WorkflowOutputValueSourceSchema> {
  const { agentOutput, signalPayload, signalMetadata, literal } = source;
  if (agentOutput !== undefined) return { kind: { case: "agentOutput", value: agentOutput } };
  if (signalPayload !== undefined) return { kind: { case: "signalPayload", value: signalPayload } };
  if (signalMetadata !== undefined) return { kind: { case: "signalMetadata", value: signalMetadata } };
  if (literal !== undefined) return { kind: { case: "literal", value: jsonValueOf(literal, "A literal") } };
  throw new ConnectError("A binding of a workflow's output has no value.", Code.InvalidArgument);
}

function sourceFromProtocol(source: WireSource | undefined): WorkflowOutputSource {
  switch (source?.kind.case) {
    case "agentOutput":
      return { agentOutput: source.kind.value };
    case "signalPayload":
      return { signalPayload: source.kind.value };
    case "signalMetadata":
      return { signalMetadata: source.kind.value };
    case "literal":
      return { literal: jsonOf(source.kind.value) ?? null };
    default:
      throw malformed("no source of a workflow's output");
  }
}
