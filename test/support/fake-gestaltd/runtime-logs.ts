// PluginRuntimeLogHost: keeps what is appended, for sessions that are registered (reference §2.12).
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type {
  PluginRuntimeLogEntry,
  PluginRuntimeLogHost,
} from "../../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";

export class RuntimeLogs {
  readonly #sessions = new Map<string, PluginRuntimeLogEntry[]>();
  /** Lines of each call, refused ones too. */
  readonly calls: number[] = [];
  /** What the next call is refused with, once. */
  refusal: Code | undefined;

  register(session: string): void {
    if (!this.#sessions.has(session)) this.#sessions.set(session, []);
  }

  /** Everything a session has appended, in order. */
  of(session: string): readonly PluginRuntimeLogEntry[] {
    return this.#sessions.get(session) ?? [];
  }

  get service(): ServiceImpl<typeof PluginRuntimeLogHost> {
    return {
      appendLogs: ({ sessionId, logs }) => {
        this.calls.push(logs.length);
        const { refusal } = this;
        this.refusal = undefined;
        if (refusal !== undefined) throw new ConnectError("refused", refusal);
        if (sessionId.trim() === "") throw new ConnectError("session id is required", Code.InvalidArgument);
        const entries = this.#sessions.get(sessionId);
        if (entries === undefined) throw new ConnectError("runtime session not found", Code.NotFound);
        entries.push(...logs.filter(({ message }) => message !== ""));
        return { lastSeq: BigInt(entries.length) };
      },
    };
  }
}
