// The guard itself: what the edge would refuse is refused and noted, and the rest passes.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { it, type TestContext } from "node:test";
import { MAX_EDGE_BODY_BYTES } from "../../src/wire/limits.ts";
import { type EdgeGuard, startEdgeGuard } from "./edge-guard.ts";

it("passes a request that ends before it is answered", async (t) => {
  const guard = await guarding(t, (request, response) => void request.resume().on("end", () => response.end("whole")));
  const answer = await fetch(guard.url, { method: "POST", body: "all of it" });
  assert.equal(await answer.text(), "whole");
  assert.deepEqual(guard.violations, []);
});

it("refuses an answer alongside the request", async (t) => {
  const guard = await guarding(t, (_request, response) => void response.writeHead(200).write("early"));
  const request = http.request(guard.url, { method: "POST" });
  request.write("a beginning");
  await once(request, "error");
  assert.match(guard.violations.join(), /an answer before the request had ended/);
});

it("refuses a body over the cap", async (t) => {
  const guard = await guarding(t, (request) => void request.resume());
  const body = Buffer.alloc(MAX_EDGE_BODY_BYTES + 1);
  await assert.rejects(fetch(guard.url, { method: "POST", body }));
  assert.match(guard.violations.join(), /a body of more than/);
});

async function guarding(t: TestContext, worker: http.RequestListener): Promise<EdgeGuard> {
  const server = http.createServer(worker).listen(0, "127.0.0.1");
  await once(server, "listening");
  const guard = await startEdgeGuard(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(async () => {
    await guard.stop();
    server.closeAllConnections();
    server.close();
  });
  return guard;
}
