/// <reference lib="esnext.typedarrays" />
// Sends ended spans to the bridge, which exports them. What cannot be sent is lost.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { BridgeService, SpanKind, type SpanSchema } from "../../gen/gestalt/edge/v1/bridge_pb.ts";
import { CHANNEL_BINDING } from "../../wire/bindings.ts";
import { BRIDGE_SERVICE_NAME } from "../../wire/host-services.ts";
import type { Call } from "../call.ts";
import { BoundedMap } from "../sessions/bounded-map.ts";
import type { EndedSpan, SpanSender } from "./span-sender.ts";

/** How long the first span that ended waits for others, in milliseconds: a call of the channel costs money. As a line of the log. */
const SPAN_AGE_MS = 150;

/** Characters of one call's spans that wait, at most: a hundred operations with all they may say, an eighth of what a message may hold. */
const MAX_WAITING_CHARACTERS = 512 * 1024;

/** The bridge answers without asking anybody. In milliseconds. */
const SEND_TIMEOUT_MS = 5_000;

/** Sessions of which it is known that their bridge exports nothing. The least recently used one is forgotten, and then asks again. */
const SESSIONS_KEPT = 32;

interface Waiting {
  readonly spans: EndedSpan[];
  characters: number;
}

/** Each call sends its own: another's I/O ends with that one's request. */
const waiting = new WeakMap<Call, Waiting>();
const untraced = new BoundedMap<string, true>(SESSIONS_KEPT);

export const spanSender: SpanSender = {
  accepts: (call) =>
    call.session.hosts.length > 0 &&
    call.bindings[CHANNEL_BINDING] !== undefined &&
    untraced.get(keyOf(call)) === undefined,

  send(call, span) {
    const known = waiting.get(call);
    const batch = known ?? { spans: [], characters: 0 };
    batch.characters += JSON.stringify(span).length;
    if (batch.characters > MAX_WAITING_CHARACTERS) return;
    batch.spans.push(span);
    if (known !== undefined) return;
    waiting.set(call, batch);
    call.waitUntil(sendLater(call, batch));
  },
};

async function sendLater(call: Call, { spans }: Waiting): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SPAN_AGE_MS));
  waiting.delete(call);
  try {
    const bridge = createClient(BridgeService, call.hostTransport(BRIDGE_SERVICE_NAME));
    await bridge.writeSpans({ spans: spans.map(toProtocol) }, { timeoutMs: SEND_TIMEOUT_MS });
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unimplemented) untraced.set(keyOf(call), true);
  }
}

/** A session's id is unique by its issuer's word only. */
function keyOf({ session }: Call): string {
  return `${session.issuer}\n${session.id}`;
}

function toProtocol(span: EndedSpan): MessageInitShape<typeof SpanSchema> {
  return {
    traceId: Uint8Array.fromHex(span.parent.traceId),
    spanId: Uint8Array.fromHex(span.spanId),
    parentSpanId: Uint8Array.fromHex(span.parent.spanId),
    name: span.name,
    kind: span.kind === "client" ? SpanKind.CLIENT : SpanKind.INTERNAL,
    startedAt: timestampFromMs(span.startedAt),
    endedAt: timestampFromMs(span.endedAt),
    attributes: span.attributes,
    ...(span.error === undefined ? {} : { error: span.error }),
  };
}
