// Sends the lines of sessions to their bridges, over the channel. Calls of a session share what waits, since its lines are few
// and a call of the channel costs money; but each call only counts on itself, for another's I/O ends with that one's request.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { BridgeService } from "../../gen/gestalt/edge/v1/bridge_pb.ts";
import { PluginRuntimeLogStream } from "../../gen/gestalt/provider/v1/runtime_log_pb.ts";
import { BRIDGE_SERVICE_NAME } from "../../wire/host-services.ts";
import type { Call } from "../call.ts";
import { BoundedMap } from "../sessions/bounded-map.ts";
import { LAST_LINES_POLL_MS, LINE_AGE_MS, RETRY_WAITS_MS, SEND_TIMEOUT_MS, SESSIONS_KEPT } from "./limits.ts";
import { PendingLines } from "./pending-lines.ts";
import { lineOf } from "./text.ts";

interface SessionLines {
  readonly pending: PendingLines;
  /** Names this isolate towards the bridge, which so knows a batch that was sent twice. */
  readonly writer: string;
  /** Until then another call is sending, in milliseconds since the epoch: batches go one after the other. */
  sendingUntil: number;
}

/** What a call that has written does until its lines are on their way. */
interface Sender {
  /** The number of its last line. */
  last: number;
  wake(): void;
}

const sessions = new BoundedMap<string, SessionLines>(SESSIONS_KEPT);
const senders = new WeakMap<Call, Sender>();

/** Queues a line. It is sent after the answer or beside it; nothing here fails or holds up the call. */
export function sendLine(call: Call, stream: "stdout" | "stderr", values: readonly unknown[]): void {
  const lines = linesOf(call);
  const last = lines.pending.add({ stream, message: lineOf(values), writtenAt: Date.now() });
  const sender = senders.get(call);
  if (sender === undefined) {
    startSender(call, lines, last);
    return;
  }
  sender.last = last;
  if (lines.pending.isFull) sender.wake();
}

/** Sends at once what this isolate still has of the session, as far as it can be sent: the session has ended. */
export async function sendLastLines(call: Call): Promise<void> {
  const lines = sessions.get(keyOf(call));
  while (lines !== undefined && lines.pending.oldest !== undefined) {
    if (lines.sendingUntil > Date.now()) await pause(LAST_LINES_POLL_MS);
    else if (!(await sendBatch(call, lines))) return;
  }
  sessions.delete(keyOf(call));
}

function linesOf(call: Call): SessionLines {
  const known = sessions.get(keyOf(call));
  if (known !== undefined) return known;
  const lines = { pending: new PendingLines(), writer: crypto.randomUUID(), sendingUntil: 0 };
  sessions.set(keyOf(call), lines);
  return lines;
}

/** A session's id is unique by its issuer's word only; named as its channel is (channel/object-name.ts). */
function keyOf({ session }: Call): string {
  return JSON.stringify([session.issuer, session.provider, session.id]);
}

function startSender(call: Call, lines: SessionLines, last: number): void {
  const sender: Sender = { last, wake: () => undefined };
  senders.set(call, sender);
  const sent = sendAll(call, lines, sender);
  try {
    call.waitUntil(sent);
  } catch {
    // The request is over, and so is its I/O; the session's next call sends the line.
    senders.delete(call);
  }
}

/** Ends when this call's lines have been sent, by whomever, or cannot be sent now. */
async function sendAll(call: Call, lines: SessionLines, sender: Sender): Promise<void> {
  const { pending } = lines;
  const waits = [...RETRY_WAITS_MS];
  while (pending.isPending(sender.last)) {
    const age = Date.now() - (pending.oldest ?? 0);
    if (age < LINE_AGE_MS && !pending.isFull) await pause(LINE_AGE_MS - age, sender);
    else if (lines.sendingUntil > Date.now()) await pause(LINE_AGE_MS);
    else if (!(await sendBatch(call, lines))) {
      const wait = waits.shift();
      if (wait === undefined) break;
      await pause(wait);
    }
  }
  // In the same turn as the last look: a line that is written later gets a sender of its own.
  senders.delete(call);
}

async function sendBatch(call: Call, lines: SessionLines): Promise<boolean> {
  const batch = lines.pending.next();
  lines.sendingUntil = Date.now() + SEND_TIMEOUT_MS;
  try {
    const bridge = createClient(BridgeService, call.hostTransport(BRIDGE_SERVICE_NAME));
    await bridge.writeLogs(
      {
        lines: batch.lines.map(({ stream, message, writtenAt }) => ({
          stream: STREAMS[stream],
          message,
          writtenAt: timestampFromMs(writtenAt),
        })),
        dropped: BigInt(batch.dropped),
        writer: lines.writer,
        first: BigInt(batch.first),
      },
      { timeoutMs: SEND_TIMEOUT_MS },
    );
    lines.pending.delivered(batch);
    return true;
  } catch {
    // The console has the line; a log that complains about itself would only make more of them.
    return false;
  } finally {
    lines.sendingUntil = 0;
  }
}

const STREAMS = { stdout: PluginRuntimeLogStream.STDOUT, stderr: PluginRuntimeLogStream.STDERR } as const;

/** Waits; `sender.wake` ends it early. */
function pause(milliseconds: number, sender?: Sender): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    if (sender === undefined) return;
    sender.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
