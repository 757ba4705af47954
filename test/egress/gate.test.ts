// The gate as workerd sees it: an HTTP proxy on a Unix socket that changes nothing of what passes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestOptions, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { type Gate, openGate } from "../../src/bridge/egress/gate.ts";
import { decide, parsePolicy } from "../../src/wire/egress/policy.ts";

const PATH = join(tmpdir(), `gate-${process.pid}.sock`);
const policy = parsePolicy({ allow: ["127.0.0.1"], default: "deny" });
let last: {
  readonly hosts: number;
  readonly headers: IncomingMessage["headers"];
  readonly method: string;
  readonly body: string;
};
const host = createServer(async (incoming, response) => {
  const { headers, method = "", url } = incoming;
  const hosts = incoming.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length;
  last = { hosts, headers, method, body: await text(incoming) };
  if (url === "/empty") return response.writeHead(204).end();
  if (url === "/length") return response.writeHead(200, { "content-length": 5, etag: '"a"' }).end("hello");
  if (url === "/cut")
    return response.writeHead(200, { "content-length": 500 }).write("hel", () => incoming.socket.destroy());
  response.writeHead(
    418,
    "Short and stout",
    [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["connection", "x-hop"],
      ["x-hop", "1"],
      ["gestalt-egress-denied", "forged"],
    ].flat(),
  );
  response.end("hello");
});
let gate: Gate;
let origin = "";

before(async () => {
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  const admit = (wanted: { host: string; port: number }) => {
    return { verdict: decide(policy, wanted.host, wanted.port), proxy: undefined, denied: () => undefined };
  };
  gate = await openGate(PATH, { admit });
});
after(async () => {
  await gate.close();
  host.close();
});

async function ask(
  url: string,
  options: RequestOptions = {},
  body = "",
): Promise<{ answer: IncomingMessage; body: string }> {
  const sent = request({ socketPath: PATH, path: url, agent: false, ...options });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return { answer, body: await text(answer) };
}

/** Bytes as they are; resolves to all that comes back until the gate ends the connection. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(PATH);
  socket.end(bytes);
  return text(socket);
}

describe("the gate", () => {
  it("passes status, reason, repeated headers, and nothing of the connection's", async () => {
    const { answer, body } = await ask(`${origin}/`);
    assert.equal(answer.statusCode, 418);
    assert.equal(answer.statusMessage, "Short and stout");
    assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(answer.headers["x-hop"], undefined);
    assert.equal(answer.headers["gestalt-egress-denied"], undefined);
    assert.equal(body, "hello");
  });

  it("passes answers without a body", async () => {
    assert.equal((await ask(`${origin}/empty`)).answer.statusCode, 204);
    const { answer, body } = await ask(`${origin}/length`, { method: "HEAD" });
    assert.deepEqual([answer.headers["content-length"], answer.headers.etag, body], ["5", '"a"', ""]);
  });

  it("passes bodies of every framing, with every method", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const headers = { "transfer-encoding": "chunked", "x-kept": "1", connection: "x-dropped", "x-dropped": "1" };
      await ask(`${origin}/`, { method, headers }, "a body");
      assert.deepEqual([last.method, last.body], [method, "a body"]);
      assert.deepEqual([last.headers["x-kept"], last.headers["x-dropped"]], ["1", undefined]);
      await ask(`${origin}/`, { method, headers: { "content-length": 6 } }, "a body");
      assert.deepEqual([last.method, last.body, last.headers["content-length"]], [method, "a body", "6"]);
    }
  });

  it("breaks an answer off where the host did", async () => {
    await assert.rejects(ask(`${origin}/cut`), /aborted/);
  });

  it("decides by the address alone", async () => {
    for (const headers of [{ host: "127.0.0.1" }, { "x-forwarded-host": "127.0.0.1" }]) {
      const { answer, body } = await ask("http://localhost/", { headers });
      assert.equal(answer.headers["gestalt-egress-denied"], "allowed_hosts");
      assert.match(body, /^egress to localhost:80 is denied/);
    }
    await ask(`${origin}/`, { headers: { host: "localhost" } });
    assert.equal(`http://${last.headers.host}`, origin);
    assert.equal(last.hosts, 1, "a front end might take the other");
  });

  it("denies what names no host, and everything that is no proxy request", async () => {
    for (const line of ["GET / HTTP/1.1", "GET ftp://127.0.0.1/ HTTP/1.1", "CONNECT 127.0.0.1 HTTP/1.1"]) {
      assert.match(await raw(`${line}\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 403 /, line);
    }
    for (const target of ["unix:/run/x:80", "a@127.0.0.1:80", "127.0.0.1:0", "localhost:80", "[::1]:80"]) {
      assert.doesNotMatch(await raw(`CONNECT ${target} HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 2/, target);
    }
  });

  it("tells a verdict, and starts no TLS for a connection it does not know", async () => {
    const verdict = async (of: string) => (await ask(`http://verdict.gestalt-edge.invalid/?host=${of}&port=1`)).answer;
    assert.equal((await verdict("127.0.0.1")).statusCode, 204);
    assert.equal((await verdict("localhost")).headers["gestalt-egress-denied"], "allowed_hosts");
    const { answer } = await ask("http://start-tls.gestalt-edge.invalid/?id=x", { method: "POST" });
    assert.equal(answer.statusCode, 404);
  });
});
