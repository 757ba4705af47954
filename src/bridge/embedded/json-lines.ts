// Newline-delimited JSON on a socket, each line checked by a schema.
import type { Socket } from "node:net";
import type * as z from "zod";

/** A line longer than this ends the connection, in characters: no message comes near it. */
const MAX_LINE = 256 * 1024;

export function sendLine(socket: Socket, message: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `receive` for each line that fits the schema; anything else destroys the socket. */
export function onLines<T>(socket: Socket, schema: z.ZodType<T>, receive: (message: T) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) socket.destroy();
    for (const line of lines) {
      const message = schema.safeParse(parseJson(line));
      if (!message.success) {
        socket.destroy(new Error("a message on the control socket is not understood; the two sides' versions differ"));
        return;
      }
      receive(message.data);
    }
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
