// examples/secrets against something that answers as a vault does.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { SecretsProvider } from "../../src/gen/gestalt/provider/v1/secrets_pb.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

const TOKEN = "hvs.token";
const SECRETS: Readonly<Record<string, object>> = {
  "/v1/kv/data/database/main": { value: "postgres://…", password: "hunter2", port: 5432 },
  "/v1/kv/data/with%20space": { value: "found" },
  "/v1/sys/seal": { value: "no secret of this mount" },
};

let worker: TestWorker;
let vault: http.Server;
let broken = false;

before(async () => {
  vault = http.createServer(({ headers, url = "" }, response) => {
    const data = SECRETS[url];
    const status = broken ? 503 : headers["x-vault-token"] !== TOKEN ? 403 : data === undefined ? 404 : 200;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(status === 200 ? { data: { data } } : { errors: ["hunter2"] }));
  });
  vault.listen(0, "127.0.0.1");
  await once(vault, "listening");
  worker = await startWorker({
    entry: new URL("../../examples/secrets/src/index.ts", import.meta.url),
    vars: { VAULT_TOKEN: TOKEN },
    provider: "vault",
  });
});
after(async () => {
  await worker?.dispose();
  vault.close();
  vault.closeAllConnections();
});

it("examples/secrets reads a vault", async () => {
  const address = `http://127.0.0.1:${(vault.address() as AddressInfo).port}`;
  const secrets = worker.client(SecretsProvider, { config: { address, mount: "kv" } });
  const read = async (name: string) => (await secrets.getSecret({ name })).value;
  const fails = (name: string, code: Code) =>
    assert.rejects(read(name), (error) => {
      assert.ok(error instanceof ConnectError && !error.message.includes("hunter2"), String(error));
      return error.code === code;
    });
  assert.equal(await read("database/main"), "postgres://…");
  assert.equal(await read("database/main#password"), "hunter2");
  assert.equal(await read("with space"), "found");
  for (const name of ["nothing", "database/main#nothing", "database/main#port", "../../sys/seal"]) {
    await fails(name, Code.NotFound);
  }
  broken = true;
  await fails("database/main", Code.Unavailable);
});
