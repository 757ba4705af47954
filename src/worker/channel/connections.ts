// The sockets of a session's object: the newest has the calls, older ones end theirs. Survives the object's sleep.
import { CLOSE_CODES } from "../../wire/channel/close.ts";
import type { ChannelPeer } from "../../wire/channel/peer.ts";
import { Connection, closeQuietly } from "./connection.ts";
import type { ConnectionTimes } from "./limits.ts";

export class Connections {
  readonly #state: DurableObjectState;
  readonly #times: ConnectionTimes;
  readonly #connections = new Map<WebSocket, Connection>();
  readonly #waiting = new Set<() => void>();
  #newest: Connection | undefined;
  #missingSince = Date.now();
  #restored = false;

  constructor(state: DurableObjectState, times: ConnectionTimes) {
    this.#state = state;
    this.#times = times;
  }

  /** The peer for a new call; undefined when no bridge is connected. */
  peer(): ChannelPeer | undefined {
    this.#restore();
    this.#newest?.watch();
    return this.#newest?.peer;
  }

  /** Takes a bridge's socket. The channel that was there takes no new calls from here on. */
  accept(socket: WebSocket): void {
    this.#restore();
    this.#state.acceptWebSocket(socket);
    socket.serializeAttachment(Date.now());
    const before = this.#newest;
    this.#newest = this.#connect(socket, Date.now());
    before?.supersede();
    for (const arrived of [...this.#waiting]) arrived();
  }

  receive(socket: WebSocket, packet: ArrayBuffer): void {
    this.#restore();
    this.#connections.get(socket)?.receive(packet);
  }

  /** The socket is gone. */
  lost(socket: WebSocket, reason: string): void {
    this.#connections.get(socket)?.peer.lost(reason);
  }

  /** The next peer. Undefined when none has come since the last was lost, for longer than that takes, or within `timeoutMs`. */
  async arrival(timeoutMs: number | undefined): Promise<ChannelPeer | undefined> {
    const patience = this.#missingSince + this.#times.reconnectWait - Date.now();
    const left = Math.min(patience, timeoutMs ?? Number.POSITIVE_INFINITY);
    if (left > 0) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, left);
        this.#waiting.add(done);
      });
    }
    return this.peer();
  }

  #connect(socket: WebSocket, heard: number): Connection {
    const connection: Connection = new Connection(socket, this.#times, heard, {
      unusable: () => {
        if (this.#newest !== connection) return;
        this.#newest = undefined;
        this.#missingSince = Date.now();
      },
      ended: () => this.#connections.delete(socket),
    });
    this.#connections.set(socket, connection);
    return connection;
  }

  /**
   * Once in the life of this object's memory: what slept keeps its sockets and has forgotten its peers. Done when there is something
   * to do, so that a call that wakes the object shares its first packet with the greeting.
   */
  #restore(): void {
    if (this.#restored) return;
    this.#restored = true;
    const open = this.#state.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN);
    const [newest, ...superseded] = open.sort((a, b) => b.deserializeAttachment() - a.deserializeAttachment());
    for (const socket of superseded) closeQuietly(socket, CLOSE_CODES.superseded, "a newer channel took over");
    // It may have gone while nobody was awake to notice.
    if (newest !== undefined) this.#newest = this.#connect(newest, 0);
  }
}
