// Which bridge wants the lines of which session: the node sends each line to those who asked for it, and to nobody else.
import type { Socket } from "node:net";
import type { FollowMessage, LoggedLine, NodeMessage } from "./control-protocol.ts";
import { sendLine } from "./json-lines.ts";

/** A bridge that reads slower than its worker prints is so much behind at most, in bytes; more is dropped and counted. */
const MAX_BEHIND_BYTES = 1024 * 1024;
/** Lines kept of sessions that nobody follows yet: a bridge that starts a session may be overtaken by its first call. */
const UNCLAIMED_LINES = 256;

interface Follower {
  readonly sessions: ReadonlySet<string>;
  readonly faults: FollowMessage["faults"];
}

export class LogFollowers {
  readonly #followers = new Map<Socket, Follower>();
  readonly #dropped = new Map<Socket, Map<string, number>>();
  #unclaimed: LoggedLine[] = [];

  /** Replaces what the bridge asked for before. */
  follow(socket: Socket, { sessions, faults }: FollowMessage): void {
    const wanted = new Set(sessions);
    this.#followers.set(socket, { sessions: wanted, faults });
    const isWanted = ({ session }: LoggedLine) => session !== undefined && wanted.has(session);
    for (const line of this.#unclaimed.filter(isWanted)) this.#send(socket, line);
    this.#unclaimed = this.#unclaimed.filter((line) => !isWanted(line));
  }

  leave(socket: Socket): void {
    this.#followers.delete(socket);
    this.#dropped.delete(socket);
  }

  /** A line of `session`. */
  line(line: LoggedLine & { readonly session: string }): void {
    let claimed = false;
    for (const [socket, { sessions }] of this.#followers) {
      if (!sessions.has(line.session)) continue;
      this.#send(socket, line);
      claimed = true;
    }
    if (claimed) return;
    this.#unclaimed.push(line);
    if (this.#unclaimed.length > UNCLAIMED_LINES) this.#unclaimed.shift();
  }

  /** Something that concerns all sessions of the worker. Of those that print it in one place, one is told. */
  fault(line: LoggedLine): void {
    let shared = false;
    for (const [socket, { faults, sessions }] of this.#followers) {
      if (sessions.size === 0 || (faults === "shared" && shared)) continue;
      shared ||= faults === "shared";
      this.#send(socket, line);
    }
  }

  #send(socket: Socket, line: LoggedLine): void {
    const session = line.session ?? "";
    const dropped = this.#dropped.get(socket);
    if (socket.writableLength > MAX_BEHIND_BYTES) {
      const counts = dropped ?? new Map<string, number>();
      // Told when there is room again, even if the session prints nothing more.
      if (counts.size === 0) socket.once("drain", () => this.#tellDropped(socket));
      this.#dropped.set(socket, counts.set(session, (counts.get(session) ?? 0) + 1));
      return;
    }
    const count = dropped?.get(session);
    dropped?.delete(session);
    sendLine(socket, { type: "line", ...line, ...(count && { dropped: count }) } satisfies NodeMessage);
  }

  /** With lines that say nothing, which no log keeps. */
  #tellDropped(socket: Socket): void {
    const nothing = { level: "info" as const, message: "", time: Date.now() };
    for (const session of [...(this.#dropped.get(socket)?.keys() ?? [])]) {
      this.#send(socket, { ...nothing, ...(session !== "" && { session }) });
    }
  }
}
