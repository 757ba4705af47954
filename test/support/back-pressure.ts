// A far side that sends without end, and a reader that checks that the bridge takes no more of it than is read.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { ClientHttp2Stream } from "node:http2";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";

const READ_BYTES = 16 * 1024 * 1024;

/** Socket buffers, windows and one message in each hand. */
const SLACK_BYTES = 16 * 1024 * 1024;

export interface EndlessBody {
  /** Sends pieces until the other side has gone. */
  send(response: ServerResponse): Promise<void>;
  /** Bytes handed out so far. */
  readonly taken: number;
}

export function endlessBody(piece: Buffer): EndlessBody {
  let taken = 0;
  const pieces = function* () {
    for (;;) yield piece;
  };
  return {
    get taken() {
      return taken;
    },
    async send(response) {
      const body = Readable.from(pieces()).on("data", (chunk: Buffer) => {
        taken += chunk.length;
      });
      await pipeline(body, response).catch(() => {});
    },
  };
}

/** Reads 16 MiB a chunk at a time, then resets the stream. */
export async function readNoFasterThan(stream: ClientHttp2Stream, body: EndlessBody): Promise<void> {
  for (let read = 0; read < READ_BYTES; ) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) await once(stream, "readable");
    else read += chunk.length;
    await turn();
    assert.ok(body.taken < read + SLACK_BYTES, `${body.taken} bytes taken from the worker for ${read} read`);
  }
  stream.close(8);
  await once(stream, "close");
}
