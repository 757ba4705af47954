// Foreign gRPC clients as programs that play calls: they get one call per line of JSON and answer one line each. What is
// called and what is expected stands in scenarios.ts, once for all languages.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";

/** One call, as a client reads it. Bytes are base64, in messages as in metadata whose name ends with `-bin`. */
export interface PlayedCall {
  /** As the client's own library takes it: `unix:/run/x.sock`. */
  readonly target: string;
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly kind: "unary" | "serverStream" | "clientStream" | "bidi";
  readonly requests: readonly string[];
  readonly metadata: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs?: number;
  /** Cancels after this time; not for streamed replies. */
  readonly cancelAfterMs?: number;
  /** Cancels once so many replies have been read; only for streamed replies. */
  readonly cancelAfterReplies?: number;
  /** Compresses the requests and says so. */
  readonly gzip?: boolean;
  /** Wants digests of the replies, not the replies themselves. */
  readonly digestOnly?: boolean;
  /** So many of these calls at once, on one channel; 1 when left out. */
  readonly repeat?: number;
  /** First waits until the channel has been without calls so long that the client closed its connection. */
  readonly awaitIdle?: boolean;
}

/** What came of one call. */
export interface PlayedResult {
  readonly code: number;
  readonly message: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly replies: readonly PlayedReply[];
}

export interface PlayedReply {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** The message; left out with `digestOnly`. */
  readonly base64?: string;
}

export interface PlayingClient {
  /** Library and version. */
  readonly library: string;
  /** As many results as `repeat` says. */
  play(call: PlayedCall): Promise<readonly PlayedResult[]>;
  /** Resolves when the program has ended; rejects unless it ended well. */
  close(): Promise<void>;
}

export async function startClient(command: string, args: readonly string[]): Promise<PlayingClient> {
  const program = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const answers = readAnswers(program);
  const { client: library } = (await answers.next()) as { client: string };
  let calls = 0;
  return {
    library,
    async play(call) {
      const id = String(++calls);
      program.stdin.write(`${JSON.stringify({ id, ...call })}\n`);
      const answer = (await answers.next()) as { id: string; results: PlayedResult[] };
      if (answer.id !== id) throw new Error(`answer ${answer.id} to call ${id}`);
      return answer.results.map((result) => ({
        ...result,
        headers: result.headers ?? [],
        trailers: result.trailers ?? [],
        replies: result.replies ?? [],
      }));
    },
    async close() {
      const closed = once(program, "close");
      program.stdin.end();
      const [code] = await closed;
      if (code !== 0) throw new Error(`${command} exited with ${code}: ${answers.complaints()}`);
    },
  };
}

/** Lines of a program in order; a wait for one fails with what the program complained of when it ends before. */
function readAnswers(program: ChildProcessWithoutNullStreams) {
  const lines: Interface = createInterface({ input: program.stdout });
  const iterator = lines[Symbol.asyncIterator]();
  let complaints = "";
  program.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  return {
    complaints: () => complaints,
    async next(): Promise<unknown> {
      const line = await iterator.next();
      if (line.done === true) throw new Error(`the client ended: ${complaints}`);
      return JSON.parse(line.value);
    },
  };
}
