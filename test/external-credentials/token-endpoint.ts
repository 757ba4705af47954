// A token endpoint on loopback: a real HTTP server that records what it is asked and answers as a test says.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One request that came. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body's parameters, from a form or from JSON. */
  readonly form: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON unless it is text already; `undefined` breaks the connection off. */
  readonly body: unknown;
}

export type Answering = (asked: Asked) => Answer | Promise<Answer>;

export interface TokenEndpoint {
  /** `http://127.0.0.1:<port>/token` */
  readonly url: string;
  readonly host: string;
  readonly asked: readonly Asked[];
  /** Answers like this from now on, and has been asked nothing yet. */
  answer(answering: Answering): void;
  /** Answers with these tokens. */
  give(tokens: Readonly<Record<string, unknown>>): void;
  /** Holds answers back until `release` is called. */
  hold(answering: Answering): { readonly release: () => void; readonly arrived: Promise<void> };
  stop(): Promise<void>;
}

export async function startTokenEndpoint(): Promise<TokenEndpoint> {
  let asked: Asked[] = [];
  let answering: Answering = () => ({ status: 500, body: "" });
  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const one = { path: request.url ?? "", headers: request.headers, body, form: formOf(request, body) };
    asked.push(one);
    const answer = await answering(one);
    if (answer.body === undefined) return void response.destroy();
    const isText = typeof answer.body === "string";
    const headers = { "content-type": isText ? "text/html" : "application/json", ...answer.headers };
    response.writeHead(answer.status ?? 200, headers).end(isText ? answer.body : JSON.stringify(answer.body));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = (next: Answering) => {
    asked = [];
    answering = next;
  };
  return {
    url: `http://${host}/token`,
    host,
    get asked() {
      return asked;
    },
    answer,
    give: (tokens) => answer(() => ({ body: { token_type: "Bearer", ...tokens } })),
    hold(next) {
      const gate = Promise.withResolvers<void>();
      const arrival = Promise.withResolvers<void>();
      answer(async (one) => {
        arrival.resolve();
        await gate.promise;
        return next(one);
      });
      return { release: gate.resolve, arrived: arrival.promise };
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function formOf({ headers }: IncomingMessage, body: string): Record<string, string> {
  if (headers["content-type"]?.startsWith("application/json")) return JSON.parse(body);
  return Object.fromEntries(new URLSearchParams(body));
}
