// A deployed worker behind the bridge: over HTTP and TLS, with the bridge's own key.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { DEPLOYED_NAME, type DeployedWorker, startDeployedWorker } from "../support/bridge-deployed.ts";
import { atEnd, grpcError, startBridgeProcess, temporaryFolder } from "../support/bridge-process.ts";

let deployed: DeployedWorker;
before(async () => {
  deployed = await startDeployedWorker();
});
after(() => deployed.stop());

const name = DEPLOYED_NAME;
const provider = "telling";

async function works(t: TestContext, worker: JsonObject, env: Record<string, string> = {}) {
  const bridge = await startBridgeProcess(t, "cache", { env });
  await bridge.configure({ worker: { name, provider, ...worker }, own: 1 });
  const { value } = await bridge.call(Cache.method.get, { key: "session" });
  assert.deepEqual(JSON.parse(Buffer.from(value).toString()), { name: "edge", config: { own: 1 }, env: {} });
  return bridge;
}

describe("a deployed worker", () => {
  it("is called over HTTP with a key from config, file or environment", async (t) => {
    const root = temporaryFolder(t);
    writeFileSync(join(root, "edge.key"), deployed.pem);
    const env = { GESTALT_EDGE_ROOT: root, EDGE_KEY: deployed.jwk };
    const bridge = await works(t, { url: deployed.url, key: { file: "edge.key" } }, env);
    for (const key of [deployed.pem, { value: deployed.jwk }, { env: "EDGE_KEY" }]) {
      await bridge.configure({ worker: { url: deployed.url, key, name, provider } });
    }
  });

  it("is called over TLS with an authority of its own, from config or from Node's own variable", async (t) => {
    const root = temporaryFolder(t);
    const file = join(root, "ca.pem");
    writeFileSync(file, deployed.certificate);
    const worker = { url: deployed.tlsUrl, key: deployed.pem };
    await works(t, { ...worker, ca: { file } });
    await works(t, worker, { NODE_EXTRA_CA_CERTS: file });
    const bridge = await startBridgeProcess(t, "cache");
    const untrusted = bridge.configure({ worker: { ...worker, name, provider } });
    await assert.rejects(untrusted, grpcError(status.UNAVAILABLE, /self-signed certificate|SELF_SIGNED/));
  });

  it("refuses a key it does not trust and a token for another worker", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    const other = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }) as string;
    const worker = { url: deployed.url, key: deployed.pem, name, provider };
    const unknown = bridge.configure({ worker: { ...worker, key: other } });
    await assert.rejects(
      unknown,
      grpcError(
        status.FAILED_PRECONDITION,
        /^the worker at http:.*: .*key this worker does not trust; compare worker\.key and worker\.name/,
      ),
    );
    const elsewhere = bridge.configure({ worker: { ...worker, name: "elsewhere" } });
    await assert.rejects(elsewhere, grpcError(status.FAILED_PRECONDITION, /for another worker/));
    for (const secret of [other, deployed.pem]) assert.equal(bridge.stderr().includes(secret), false);
  });

  it("that is not there is UNAVAILABLE, at once", async (t) => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    const bridge = await startBridgeProcess(t, "cache");
    const gone = bridge.configure({ worker: { url: `http://127.0.0.1:${port}`, key: deployed.pem, name, provider } });
    await assert.rejects(
      gone,
      grpcError(status.UNAVAILABLE, /^the worker at http:\/\/127.*: cannot reach the worker \(ECONNREFUSED\); check /),
    );
  });

  it("behind Cloudflare Access gets the service token, and a path before the methods'", async (t) => {
    const seen: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];
    const server = createServer((request, answer) => {
      seen.push({ path: request.url, headers: request.headers });
      answer.writeHead(403, { "content-type": "text/html" }).end("<h1>Access denied</h1>");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    atEnd(t, () => server.close());
    const { port } = server.address() as AddressInfo;
    const access = { clientId: "id.access", clientSecret: { env: "ACCESS_SECRET" } };
    const bridge = await startBridgeProcess(t, "cache", { env: { ACCESS_SECRET: "very-secret-value" } });
    const url = `http://127.0.0.1:${port}/edge/`;
    const refused = bridge.configure({ worker: { url, key: deployed.pem, name, provider, access } });
    await assert.rejects(refused, (error: { code: number }) => error.code === status.PERMISSION_DENIED);
    const [first] = seen;
    assert.equal(first?.path, "/edge/gestalt.edge.v1.WorkerService/Describe");
    assert.equal(first?.headers["cf-access-client-id"], "id.access");
    assert.equal(first?.headers["cf-access-client-secret"], "very-secret-value");
    assert.match(String(first?.headers.authorization), /^Bearer /);
  });
});
