// The server's side of a WebSocket (RFC 6455), as far as the bridge's client needs one: whole messages, no extensions.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const OPCODE = { text: 1, binary: 2, close: 8, pong: 10 } as const;

export interface ServerSocketEvents {
  binary(message: Uint8Array): void;
  text(message: string): void;
  /** The other side has closed it, with 1005 for no code. Not told when the connection just breaks. */
  closed(code: number): void;
  /** The connection is gone. */
  gone(): void;
}

export class ServerSocket {
  readonly socket: Duplex;
  /** Answers to pings that a test has sent. */
  readonly pongs: string[] = [];
  readonly #events: ServerSocketEvents;
  #rest: Buffer = Buffer.alloc(0);
  #closing = false;

  constructor(request: IncomingMessage, socket: Duplex, events: ServerSocketEvents) {
    this.socket = socket;
    this.#events = events;
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: upgrade"];
    socket.write(`${[...head, `sec-websocket-accept: ${accept}`].join("\r\n")}\r\n\r\n`);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {});
    // Sockets of an HTTP server stay half open by themselves.
    socket.once("end", () => socket.end());
    socket.once("close", () => events.gone());
  }

  send(message: Uint8Array): void {
    this.#write(OPCODE.binary, message);
  }

  sendText(message: string): void {
    this.#write(OPCODE.text, Buffer.from(message));
  }

  close(code: number, reason = ""): void {
    if (this.#closing) return;
    const body = Buffer.from(`__${reason}`);
    body.writeUInt16BE(code);
    this.#write(OPCODE.close, body);
    this.#closing = true;
  }

  /** As a network does it. */
  cut(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let frame = this.#frame(); frame !== undefined; frame = this.#frame()) this.#handle(...frame);
  }

  /** The next whole frame, if it is here. */
  #frame(): [opcode: number, payload: Buffer] | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const short = rest.readUInt8(1) & 0x7f;
    const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (rest.length < 2 + extra + 4) return undefined;
    const length = extra === 8 ? Number(rest.readBigUInt64BE(2)) : extra === 2 ? rest.readUInt16BE(2) : short;
    const start = 2 + extra + 4;
    if (rest.length < start + length) return undefined;
    const mask = rest.subarray(2 + extra, start);
    const payload = Buffer.from(rest.subarray(start, start + length));
    for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0);
    this.#rest = rest.subarray(start + length);
    return [rest.readUInt8(0) & 0x0f, payload];
  }

  #handle(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.binary) this.#events.binary(new Uint8Array(payload));
    if (opcode === OPCODE.text) this.#events.text(payload.toString());
    if (opcode === OPCODE.pong) this.pongs.push(payload.toString());
    if (opcode !== OPCODE.close) return;
    this.#events.closed(payload.length >= 2 ? payload.readUInt16BE(0) : 1005);
    this.close(payload.length >= 2 ? payload.readUInt16BE(0) : 1000);
    this.socket.end();
  }

  #write(opcode: number, payload: Uint8Array): void {
    if (this.#closing) return;
    const { length } = payload;
    const head = Buffer.alloc(length > 0xffff ? 10 : length > 125 ? 4 : 2);
    head.writeUInt8(0x80 | opcode, 0);
    head.writeUInt8(length > 0xffff ? 127 : length > 125 ? 126 : length, 1);
    if (head.length === 4) head.writeUInt16BE(length, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
    this.socket.write(Buffer.concat([head, payload]));
  }
}
