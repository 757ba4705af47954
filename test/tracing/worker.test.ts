// What the worker sends of its spans: together, only of traces that are kept, and to no bridge that has said it exports none.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { type Span, WriteSpansRequestSchema } from "../../src/gen/gestalt/edge/v1/bridge_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import { failure, OK } from "../../src/wire/channel/status.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { BRIDGE_SERVICE_NAME } from "../../src/wire/host-services.ts";
import { until } from "../support/bridge-process.ts";
import { acceptChannel } from "../support/channel-acceptor.ts";
import { newTrace, sharedWorker, type TraceHeaders } from "./rig.ts";

const WRITE_SPANS = "/gestalt.edge.v1.BridgeService/WriteSpans";

suite("the worker's spans", { timeout: 60_000 }, () => {
  const { worker } = sharedWorker();

  /** A bridge that answers WriteSpans with `status`, and what it was sent. */
  async function session(t: TestContext, sid: string, status = OK) {
    const claims = { provider: "traced", hosts: ["CACHE"], sid };
    const batches: (readonly Span[])[] = [];
    const channel = await acceptChannel(worker(), {
      claims,
      async onCall(call) {
        const [message] = await all(call);
        if (call.init.service === BRIDGE_SERVICE_NAME && call.init.path !== WRITE_SPANS) return call.end(OK);
        if (call.init.path !== WRITE_SPANS) {
          void call.write(new Uint8Array());
          return call.end(OK);
        }
        assert.ok(message);
        batches.push(fromBinary(WriteSpansRequestSchema, message).spans);
        if (status === OK) void call.write(new Uint8Array());
        return call.end(status);
      },
    });
    t.after(() => channel.close());
    const client = worker().client(IntegrationProvider, claims);
    const turn = (headers: TraceHeaders) => client.execute({ operation: "turn", params: {} }, { headers });
    return { turn, batches, calls: () => channel.calls.length };
  }

  test("go together when the call is over, those of one trace only", async (t) => {
    const { turn, batches } = await session(t, "together");
    const trace = newTrace();
    const unsampled = newTrace(false);
    await turn(unsampled.headers);
    await turn({});
    await turn({ traceparent: "nonsense" });
    await turn(trace.headers);
    await until(() => batches.length > 0, "the spans arrive");
    const [spans = []] = batches;
    assert.equal(batches.length, 1);
    assert.deepEqual(
      spans.map(({ name }) => name),
      ["chat gpt-5", "execute_tool lookup", "execute_tool broken", "invoke_agent helper"],
    );
    assert.ok(spans.every(({ traceId }) => Buffer.from(traceId).toString("hex") === trace.id));
    assert.equal(Buffer.from(spans.at(-1)?.parentSpanId ?? []).toString("hex"), trace.span);
  });

  test("are not sent again to a bridge that exports none", async (t) => {
    const { turn, batches, calls } = await session(t, "untraced", failure(GrpcCode.unimplemented, "no such method"));
    await turn(newTrace().headers);
    await until(() => batches.length > 0, "the bridge says so");
    const other = await session(t, "traced");
    const before = calls();
    // The second session's spans come later than the first's would.
    await turn(newTrace().headers);
    await other.turn(newTrace().headers);
    await until(() => other.batches.length > 0, "another session's spans arrive");
    assert.equal(batches.length, 1);
    assert.equal(calls(), before + 1, "the cache was asked, nothing else");
  });

  test("that cannot be sent fail no call, and the next are sent", async (t) => {
    const { turn, batches } = await session(t, "failing", failure(GrpcCode.unavailable, "not now"));
    assert.equal((await turn(newTrace().headers)).status, 200);
    await until(() => batches.length === 1, "they are tried once");
    assert.equal((await turn(newTrace().headers)).status, 200);
    await until(() => batches.length === 2, "the next are tried");
  });
});

async function all(call: IncomingCall): Promise<Uint8Array[]> {
  const messages = [];
  for await (const message of call.messages) messages.push(message);
  return messages;
}
