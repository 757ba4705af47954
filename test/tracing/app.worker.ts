// What is traced: a plugin that calls models, tools and host services, or says that it does, and an object store that streams.
import { z } from "zod";
import {
  Code,
  ConnectError,
  definePlugin,
  defineS3Provider,
  operation,
  serve,
  withAgentInvocation,
  withModelOperation,
  withToolExecution,
} from "../../src/worker/index.ts";

export { HostChannel } from "../../src/worker/channel/host-channel.ts";

const none = z.object({});
let configuredWith: unknown;

const traced = definePlugin({
  config: z.object({ apiKey: z.string().default(""), broken: z.boolean().default(false) }),
  configure: ({ trace, config: { apiKey, broken } }) => {
    configuredWith = trace.headers;
    if (broken) throw new ConnectError(`nobody takes the key ${apiKey}`, Code.Unavailable);
  },
  operations: [
    operation({
      id: "headers",
      method: "POST",
      description: "Tells what came along with the call.",
      input: none,
      handler: (_input, { trace }) => ({ ...trace.headers }),
    }),
    operation({
      id: "configured",
      method: "POST",
      description: "Tells what came along with the configuration.",
      input: none,
      handler: () => configuredWith ?? {},
    }),
    operation({
      id: "cache",
      method: "POST",
      description: "Reads from a bound cache.",
      input: none,
      async handler(_input, { host }) {
        return { found: (await host.cache?.().get("word")) !== undefined };
      },
    }),
    operation({
      id: "turn",
      method: "POST",
      description: "One turn of an agent: a model, and a tool that reads from a bound cache.",
      input: z.object({ secret: z.string().default("") }),
      handler: ({ secret }, request) =>
        withAgentInvocation(
          request,
          { agentName: "helper", sessionId: "session-7", turnId: "turn-3" },
          async (agent) => {
            const model = {
              providerName: "openai",
              requestModel: "gpt-5",
              requestOptions: { temperature: 0.5, stop: "." },
            };
            await withModelOperation(agent, model, (operation) => {
              operation.setResponseMetadata({ id: "answer-1", model: "gpt-5-mini", finishReasons: ["stop"] });
              operation.recordUsage({ inputTokens: 25, outputTokens: 7, reasoningOutputTokens: Number.NaN });
              operation.setAttribute("own.flags", [true, false]);
              operation.setAttribute("own.secret", secret);
            });
            const tool = { toolName: "lookup", toolCallId: "call-1", toolType: "datastore" };
            await withToolExecution(agent, tool, ({ trace }) => request.host.cache?.().get("word", { trace }));
            const failed = withToolExecution(agent, { toolName: "broken" }, () => {
              throw new RangeError(`no such shelf ${secret}`);
            });
            await failed.catch(() => undefined);
            return { ...agent.trace.headers };
          },
        ),
    }),
  ],
});

const blobs = defineS3Provider({
  headObject: () => unsupported(),
  writeObject: () => unsupported(),
  deleteObject: () => unsupported(),
  listObjects: () => unsupported(),
  readObject({ ref }, { trace }) {
    const bytes = new TextEncoder().encode(JSON.stringify(trace.headers));
    return { meta: { ref, etag: '"1"', size: bytes.length }, body: new Blob([bytes]).stream() };
  },
});

function unsupported(): never {
  throw new ConnectError("this store only reads", Code.FailedPrecondition);
}

export default serve({ traced, blobs });
