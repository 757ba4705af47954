// Workflow targets for tests: a plain one, and one that holds everything a target can hold.
import type { WorkflowTarget } from "../../src/worker/host/workflows/targets.ts";

export const charge: WorkflowTarget = {
  plugin: { pluginName: "billing", operation: "charge", input: { cents: 120 } },
};

/** Everything a target can hold. */
export const agentTarget: WorkflowTarget = {
  agent: {
    providerName: "claude",
    model: "large",
    prompt: "Sum it up.",
    messages: [
      {
        role: "user",
        text: "Look:",
        parts: [
          { type: "text", text: "a text" },
          { type: "json", json: { deep: [1, null, { a: "b" }] } },
          { type: "tool_call", toolCall: { id: "c1", toolId: "t1", arguments: { q: "x" } } },
          {
            type: "tool_result",
            toolResult: { toolCallId: "c1", status: 404, content: "none", output: { found: false } },
          },
          { type: "image_ref", imageRef: { uri: "https://example.com/a.png", mimeType: "image/png" } },
          { type: "unspecified", text: "of an unknown kind" },
        ],
        metadata: { lang: "en" },
      },
    ],
    toolRefs: [
      {
        plugin: "billing",
        operation: "charge",
        connection: "main",
        instance: "eu",
        title: "Charge",
        description: "Charges a customer.",
      },
      { system: "workflow", operation: "schedules.create" },
    ],
    responseSchema: { type: "object", properties: { total: { type: "number" } } },
    metadata: { run: 1 },
    timeoutSeconds: 600,
    outputDelivery: {
      target: { pluginName: "chat", operation: "post", input: { channel: "#sums" }, credentialMode: "none" },
      inputBindings: [
        { inputField: "text", value: { agentOutput: "output.text" } },
        { inputField: "order", value: { signalPayload: "order.id" } },
        { inputField: "trace", value: { signalMetadata: "trace" } },
        { inputField: "level", value: { literal: { deep: [1, null] } } },
        { inputField: "nothing", value: { literal: null } },
      ],
      credentialMode: "user",
    },
    modelOptions: { temperature: 0.5 },
  },
};

/** A target as a scenario returned it, to be given again: without what `plain` made of undefined. A literal null remains. */
export function givenAgain(target: unknown): WorkflowTarget {
  return withoutNull(target, false) as WorkflowTarget;
}

/** The same target in the protocol's own JSON. */
export function wireAgentTarget() {
  const { messages = [], ...agent } = agentTarget.agent ?? { providerName: "" };
  const types: Record<string, string> = { unspecified: "" };
  for (const type of ["text", "json", "tool_call", "tool_result", "image_ref"]) {
    types[type] = `AGENT_MESSAGE_PART_TYPE_${type.toUpperCase()}`;
  }
  const parts = messages[0]?.parts?.map(({ type, ...part }) => ({
    ...(types[type] && { type: types[type] }),
    ...part,
  }));
  return { agent: { ...agent, messages: [{ ...messages[0], parts }] } };
}

function withoutNull(value: unknown, isJson: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutNull(one, isJson));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key, one]) => one !== null || isJson || key === "literal");
  return Object.fromEntries(entries.map(([key, one]) => [key, withoutNull(one, isJson || OF_AUTHORS.includes(key))]));
}

/** Keys whose values are JSON of the author's. */
const OF_AUTHORS = ["json", "literal"];
