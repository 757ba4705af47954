// How IndexedDB.OpenCursor and IndexedDB.Transaction, gRPC streams both ways, cross between bridge and worker: a
// WebSocket for each call. The real edge has no request body that is answered while it is sent (DESIGN §6).
//
// *Opening.* `GET` with `upgrade: websocket` on the method's own path (`OPEN_CURSOR_PATH`, `TRANSACTION_PATH` of
// routes.ts), the session token in `authorization` and the gRPC metadata in headers, as for any call;
// `connect-timeout-ms` is the deadline of the whole stream. Anything but 101 is a refusal: its body is the error of a
// unary Connect call. No WebSocket extension is agreed on.
//
// *Messages.* A binary WebSocket message is one protobuf message of the method's input (to the worker) or output (to
// the bridge), bare and at most `MAX_MESSAGE_BYTES`. The two alternate: the bridge holds the caller's next message back
// until the worker has answered the one before. One message may be answered by several (a failed operation: its answer,
// then `abort`), and each goes on to the caller at once. A message out of turn ends the stream with INVALID_ARGUMENT.
//
// *Half-close.* The text `HALF_CLOSE` tells the worker that the caller has ended its side. It may come at any time,
// once, and counts after what came before it. A cursor then ends OK; a transaction that was not committed is rolled
// back and ends OK.
//
// *End.* The worker's last word is a text that begins with `{`: Connect's end-of-stream message in JSON, `{"error":
// {"code", "message", "details"}, "metadata"}`, without `error` for OK. So codes, messages and details cross exactly,
// whatever their length. Then it closes with 1000. A WebSocket that ends without that text was cut off: UNAVAILABLE,
// and an uncommitted transaction is rolled back.
//
// *Cancelling.* The bridge closes, with any code, or drops the connection, which is the rollback of an uncommitted
// transaction. When the commit was sent and the answer has not come, the outcome is unknown to the caller, as with any
// database.
//
// *Signs of life.* The text `PING` is answered with the text `PONG`, also while an answer is due, and counts as no
// activity of the caller. Any other text is passed over by both sides. The worker ends a stream whose caller has been
// silent for `CURSOR_IDLE_MS` or `TRANSACTION_IDLE_MS` since the last answer, with ABORTED.

/** Bridge to worker, text: the caller has no more messages. */
export const HALF_CLOSE = "half-close";

/**
 * Bridge to worker, text: is the worker there? Nothing needs it; proxies commonly drop a connection silent for a
 * minute.
 */
export const PING = "ping";

/** Worker to bridge, text: the answer. */
export const PONG = "pong";

/** First character of the worker's last text, which no other text has. */
export const END_MARK = "{";

/** How the worker closes after its last text (RFC 6455 §7.4.1). */
export const CLOSED_CODE = 1000;

/**
 * Silence of a transaction's caller before it is rolled back, in milliseconds. gestaltd sets no deadline for these
 * streams and gives a unary call 30 s (`ProviderCallContext`): a writer that waits for this transaction must still have
 * its turn within that.
 */
export const TRANSACTION_IDLE_MS = 20_000;

/**
 * Silence of a cursor's caller before it is closed, in milliseconds. It blocks nobody, but old versions of records are
 * kept for it; and what is done with one record between two steps may well be a slow call elsewhere.
 */
export const CURSOR_IDLE_MS = 5 * 60_000;
