// Spans of a provider's own: from inside workerd over the channel, through the bridge, to the collector.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { collector, newTrace, sharedWorker, startPlugin, telemetry } from "./rig.ts";

const INTERNAL = 1;
const CLIENT = 3;
const ERROR = 2;

suite("GenAI spans", { timeout: 60_000 }, () => {
  const { worker } = sharedWorker();

  test("operations and their host calls are one tree below the call", async (t) => {
    const { seen, address } = await collector(t);
    const apiKey = "the-key-of-the-plugin";
    const { run, cacheCalls } = await startPlugin(t, worker(), telemetry(address), { config: { apiKey } });
    const trace = newTrace();
    const { traceparent } = await run("turn", trace.headers, { secret: apiKey });
    const named = (name: string) => seen((span) => span.traceId === trace.id && span.name.endsWith(name));
    const call = await named("/Execute");
    const agent = await named("invoke_agent helper");
    const model = await named("chat gpt-5");
    const tool = await named("execute_tool lookup");
    const broken = await named("execute_tool broken");
    const cache = await named("Cache/Get");

    assert.deepEqual(
      [agent, model, tool, broken, cache].map(({ parentSpanId }) => parentSpanId),
      [call.spanId, agent.spanId, agent.spanId, agent.spanId, tool.spanId],
    );
    assert.deepEqual(
      [agent, model, tool, broken].map(({ kind }) => kind),
      [INTERNAL, CLIENT, INTERNAL, INTERNAL],
    );
    assert.equal(traceparent, `00-${trace.id}-${agent.spanId}-01`);
    assert.equal(cacheCalls[0]?.get("traceparent"), `00-${trace.id}-${cache.spanId}-01`);
    assert.deepEqual(agent.resource, call.resource);
    assert.deepEqual(agent.attributes, {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.provider.name": "gestalt",
      "gen_ai.agent.name": "helper",
      "gen_ai.conversation.id": "session-7",
      "gestalt.agent.turn_id": "turn-3",
    });
    assert.deepEqual(model.attributes, {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5",
      "gen_ai.request.temperature": 0.5,
      "gen_ai.request.stop_sequences": ["."],
      "gen_ai.response.id": "answer-1",
      "gen_ai.response.model": "gpt-5-mini",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": 25,
      "gen_ai.usage.output_tokens": 7,
      "own.flags": [true, false],
      "own.secret": "[redacted]",
    });
    assert.equal(tool.attributes["gen_ai.tool.call.id"], "call-1");
    assert.equal(tool.attributes["gen_ai.tool.type"], "datastore");
    assert.equal(broken.status, ERROR);
    assert.equal(broken.attributes["error.type"], "RangeError");
    assert.equal(broken.statusMessage, "no such shelf [redacted]");
  });
});
