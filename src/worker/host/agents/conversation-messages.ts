// Messages, their parts and references to tools, to and from the protocol's messages. Nothing is lost on the way and back:
// gestaltd compares workflow targets that hold them deeply.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AgentMessagePartSchema,
  AgentMessageSchema,
  AgentToolRefSchema,
  AgentMessage as WireMessage,
  AgentMessagePart as WirePart,
  AgentToolRef as WireToolRef,
} from "../../../gen/gestalt/provider/v1/agent_pb.ts";
import { countOf, structOf, textOf } from "../fields.ts";
import type { AgentMessage, AgentMessagePart, AgentToolRef } from "./conversation.ts";
import { PART_TYPES } from "./statuses.ts";

export function messageToProtocol(message: AgentMessage): MessageInitShape<typeof AgentMessageSchema> {
  return {
    role: message.role,
    text: message.text ?? "",
    parts: message.parts?.map(partToProtocol) ?? [],
    metadata: structOf(message.metadata, "A message's metadata"),
  };
}

export function messageFromProtocol(message: WireMessage): AgentMessage {
  return {
    role: message.role,
    text: textOf(message.text),
    parts: message.parts.length === 0 ? undefined : message.parts.map(partFromProtocol),
    metadata: message.metadata,
  };
}

export function toolRefToProtocol(ref: AgentToolRef): MessageInitShape<typeof AgentToolRefSchema> {
  return {
    plugin: ref.plugin ?? "",
    operation: ref.operation ?? "",
    connection: ref.connection ?? "",
    instance: ref.instance ?? "",
    title: ref.title ?? "",
    description: ref.description ?? "",
    system: ref.system ?? "",
  };
}

export function toolRefFromProtocol(ref: WireToolRef): AgentToolRef {
  return {
    plugin: textOf(ref.plugin),
    operation: textOf(ref.operation),
    connection: textOf(ref.connection),
    instance: textOf(ref.instance),
    title: textOf(ref.title),
    description: textOf(ref.description),
    system: textOf(ref.system),
  };
}

function partToProtocol(part: AgentMessagePart): MessageInitShape<typeof AgentMessagePartSchema> {
  const { toolCall, toolResult, imageRef } = part;
  return {
    type: PART_TYPES.toValue(part.type),
    text: part.text ?? "",
    json: structOf(part.json, "A message part's json"),
    toolCall: toolCall && {
      id: toolCall.id,
      toolId: toolCall.toolId,
      arguments: structOf(toolCall.arguments, "A tool call's arguments"),
    },
    toolResult: toolResult && {
      toolCallId: toolResult.toolCallId,
      status: countOf(toolResult.status, "A tool result's status"),
      content: toolResult.content ?? "",
      output: structOf(toolResult.output, "A tool result's output"),
    },
    imageRef: imageRef && { uri: imageRef.uri, mimeType: imageRef.mimeType ?? "" },
  };
}

function partFromProtocol(part: WirePart): AgentMessagePart {
  const { toolCall, toolResult, imageRef } = part;
  return {
    type: PART_TYPES.toName(part.type),
    text: textOf(part.text),
    json: part.json,
    toolCall: toolCall && { id: toolCall.id, toolId: toolCall.toolId, arguments: toolCall.arguments },
    toolResult: toolResult && {
      toolCallId: toolResult.toolCallId,
      status: toolResult.status,
      content: textOf(toolResult.content),
      output: toolResult.output,
    },
    imageRef: imageRef && { uri: imageRef.uri, mimeType: textOf(imageRef.mimeType) },
  };
}
