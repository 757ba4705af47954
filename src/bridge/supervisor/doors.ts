// The sockets that outlive a working process. The supervisor accepts, and hands each connection on unread; while nobody is
// there to take it, it waits. So a caller that connects anew after a crash is served as soon as the successor is.
import { createServer, type Server, type Socket } from "node:net";
import { type Listening, listen } from "../grpc/listen.ts";

/** A connection that no working process has taken yet. */
export interface Visitor {
  readonly id: number;
  readonly path: string;
  readonly socket: Socket;
}

/** Connections that wait to be taken, for one path; gestaltd has one. More would be a storm, and are closed. */
const MAX_WAITING = 1_024;

interface Door {
  readonly server: Server;
  readonly listening: Listening;
  readonly waiting: Map<number, Visitor>;
  /** Asked for by the working process that runs now. */
  attended: boolean;
}

export class Doors {
  readonly #doors = new Map<string, Door>();
  readonly #offer: (visitor: Visitor) => void;
  /** What becomes of connections that nobody attends to. */
  #unattended: "wait" | "refused" = "wait";
  #visitors = 0;

  /**
   * `offer` passes a connection on, and {@link Doors.taken} is told when it has arrived. Until then it is ours: a working process
   * may die with the message on its way, and Node then neither closes the connection nor gives it back.
   */
  constructor(offer: (visitor: Visitor) => void) {
    this.#offer = offer;
  }

  /**
   * Passes on the connections to `path`, those that wait included. Listens when that is new.
   *
   * @throws BridgeError as `listen` does.
   */
  async open(path: string): Promise<void> {
    const door = this.#doors.get(path) ?? (await this.#listen(path));
    door.attended = true;
    for (const visitor of door.waiting.values()) this.#offer(visitor);
  }

  /** The working process has the connection now; ours is a copy, and closing it closes nothing else. */
  taken(path: string, id: number): void {
    const door = this.#doors.get(path);
    door?.waiting.get(id)?.socket.destroy();
    door?.waiting.delete(id);
  }

  close(path: string): void {
    const door = this.#doors.get(path);
    if (door === undefined) return;
    this.#doors.delete(path);
    door.server.close();
    door.listening.remove();
    turnAway(door);
  }

  /** The working process has gone. */
  leave(): void {
    for (const door of this.#doors.values()) door.attended = false;
  }

  /** From now on connections wait for the next working process, or are closed at once. */
  whileUnattended(answer: "wait" | "refused"): void {
    this.#unattended = answer;
    if (answer === "refused") for (const door of this.#doors.values()) turnAway(door);
  }

  /** Closes what the successor did not ask for again. */
  closeUnattended(): void {
    for (const [path, { attended }] of this.#doors) if (!attended) this.close(path);
  }

  closeAll(): void {
    for (const path of [...this.#doors.keys()]) this.close(path);
  }

  async #listen(path: string): Promise<Door> {
    // Paused, a socket is not read, and all it carries goes on to the other process.
    const server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(path, socket));
    const door = { server, listening: await listen(server, { path }), waiting: new Map(), attended: true };
    server.on("error", () => undefined);
    this.#doors.set(path, door);
    return door;
  }

  #accept(path: string, socket: Socket): void {
    socket.on("error", () => undefined);
    const door = this.#doors.get(path);
    const refused = !door?.attended && this.#unattended === "refused";
    if (door === undefined || refused || door.waiting.size >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    this.#visitors += 1;
    const visitor = { id: this.#visitors, path, socket };
    door.waiting.set(visitor.id, visitor);
    if (door.attended) this.#offer(visitor);
  }
}

function turnAway({ waiting }: Door): void {
  for (const { socket } of waiting.values()) socket.destroy();
  waiting.clear();
}
