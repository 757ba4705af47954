// examples/external-credentials against something that answers as a vault does.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { Code } from "@connectrpc/connect";
import { ExternalCredentialProvider } from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { atEnd } from "../support/bridge-process.ts";
import { startWorker } from "../support/worker-harness.ts";
import { credential, refused, resolving, after as timeAfter } from "./credentials.ts";

it("examples/external-credentials keeps credentials in a vault", async (t) => {
  const records = new Map<string, unknown>();
  const vault = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://vault");
    const [, , , kind = "", ...path] = pathname.split("/");
    const name = path.join("/");
    const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (request.headers["x-vault-token"] !== "hvs.token") return answer(403, { errors: ["hvs.token"] });
    if (searchParams.has("list")) {
      const keys = [...records.keys()]
        .filter((key) => key.startsWith(`${name}/`))
        .map((key) => key.slice(name.length + 1));
      return keys.length === 0 ? answer(404, {}) : answer(200, { data: { keys } });
    }
    if (request.method === "POST") {
      records.set(name, JSON.parse(await text(request)).data);
      return answer(200, { data: {} });
    }
    if (kind === "metadata") return records.delete(name) && response.writeHead(204).end();
    return records.has(name) ? answer(200, { data: { data: records.get(name) } }) : answer(404, {});
  });
  vault.listen(0, "127.0.0.1");
  await once(vault, "listening");
  atEnd(t, () => vault.close());
  atEnd(t, () => vault.closeAllConnections());
  const worker = await startWorker({
    entry: new URL("../../examples/external-credentials/src/index.ts", import.meta.url),
    vars: { VAULT_TOKEN: "hvs.token" },
    provider: "credentials",
  });
  atEnd(t, () => worker.dispose());
  const address = `http://127.0.0.1:${(vault.address() as AddressInfo).port}`;
  const client = worker.client(ExternalCredentialProvider, { config: { address } });
  const lookup = { subjectId: "user:ada", connectionId: "github:default" };

  await assert.rejects(client.getCredential({ lookup }), refused(Code.NotFound));
  const stored = await client.upsertCredential({ credential: credential({ metadataJson: "{}" }) });
  assert.deepEqual(await client.getCredential({ lookup }), stored);
  assert.equal((await client.resolveCredential(resolving({ type: "oauth2" }))).token, "at-1");
  await client.upsertCredential({ credential: credential({ connectionId: "other" }) });
  assert.equal((await client.listCredentials({ subjectId: "user:ada" })).credentials.length, 2);
  assert.deepEqual((await client.listCredentials(lookup)).credentials, [stored]);
  const ended = credential({ id: "mine", expiresAt: timeAfter(Date.now(), -1) });
  assert.equal((await client.upsertCredential({ credential: ended })).id, stored.id);
  await assert.rejects(client.resolveCredential(resolving({})), refused(Code.Unauthenticated));
  for (const id of ["../../sys/seal", "x"])
    await assert.rejects(client.deleteCredential({ id }), refused(Code.NotFound));
  await client.deleteCredential({ id: stored.id });
  await assert.rejects(client.deleteCredential({ id: stored.id }), refused(Code.NotFound));
  assert.deepEqual((await client.listCredentials(lookup)).credentials, []);
  await assert.rejects(client.listCredentials({}), refused(Code.InvalidArgument));
});
