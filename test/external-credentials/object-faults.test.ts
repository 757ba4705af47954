// What the store does when its platform fails, and when its data is newer than the code.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { type Credentials, credential, oauth, refused, resolving, startCredentials } from "./credentials.ts";

describe("the credential store, when the platform fails", () => {
  let credentials: Credentials;
  before(async () => {
    credentials = await startCredentials();
  });
  beforeEach(() => credentials.control("faults", { times: 0 }));
  after(() => credentials?.stop());

  const lookup = { subjectId: "user:ada", connectionId: "github:default" };

  it("tries everything again, for no call says more than how things are to be", async () => {
    const client = credentials.client({ store: "faults" });
    const { id } = await client.upsertCredential({ credential: credential() });
    const calls = [
      () => client.upsertCredential({ credential: credential() }),
      () => client.getCredential({ lookup }),
      () => client.listCredentials(lookup),
      () => client.resolveCredential(resolving(oauth("https://example.com"))),
      () => credentials.keys({ store: "faults" }).rotateKeys({}),
      () => client.deleteCredential({ id }),
    ];
    for (const call of calls) {
      await credentials.control("faults", { times: 2, retryable: true });
      await call();
      assert.deepEqual(await credentials.control("pauses"), [50, 100]);
    }
  });

  it("gives up with UNAVAILABLE, and does not press an overloaded object", async () => {
    const client = credentials.client({ store: "faults" });
    await credentials.control("faults", { times: 100, retryable: true });
    await assert.rejects(client.listCredentials({}), refused(Code.Unavailable, /did not answer/));
    assert.deepEqual(await credentials.control("pauses"), [50, 100, 200]);
    await credentials.control("faults", { times: 1, retryable: true, overloaded: true });
    await assert.rejects(client.listCredentials({}), refused(Code.Unavailable, /more requests/));
    assert.deepEqual(await credentials.control("pauses"), []);
  });

  it("says that it is full, and keeps any other failure to itself", async () => {
    const client = credentials.client({ store: "faults" });
    await credentials.control("faults", { times: 1, message: "database or disk is full: SQLITE_FULL" });
    await assert.rejects(client.listCredentials({}), refused(Code.ResourceExhausted, /10 GB/));
    await credentials.control("faults", { times: 1, message: "s3cr3t" });
    await assert.rejects(client.listCredentials({}), refused(Code.Internal));
    assert.doesNotMatch(credentials.log.join("\n"), /s3cr3t/);
  });

  it("leaves data of a newer release alone", async () => {
    const client = credentials.client({ store: "newer" });
    await client.upsertCredential({ credential: credential() });
    const version = (to: number) =>
      credentials.control("tamper", { store: "newer", statement: `UPDATE schema_version SET version = ${to}` });
    await version(99);
    await credentials.control("restart", "newer");
    const newer = refused(Code.FailedPrecondition, /written by a newer release/);
    await assert.rejects(client.getCredential({ lookup }), newer);
    await assert.rejects(client.upsertCredential({ credential: credential({ accessToken: "at-2" }) }), newer);
  });
});

it("a worker whose egress is guarded says that it renews nothing", async () => {
  const credentials = await startCredentials({}, "./guarded.worker.ts");
  try {
    const client = credentials.client();
    const ended = credential({ refreshToken: "rt-1", expiresAt: { seconds: 1n, nanos: 0 } });
    await client.upsertCredential({ credential: ended });
    const asking = client.resolveCredential(resolving(oauth("http://127.0.0.1:9/token")));
    const text = /--guard-egress, which lets no Durable Object out\. Deploy the credentials as a worker of their own/;
    await assert.rejects(asking, refused(Code.FailedPrecondition, text));
  } finally {
    await credentials.stop();
  }
});
