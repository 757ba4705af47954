// What is stored and how it is found: upsert, get, list and delete of the ready-made store.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { clone, create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import {
  type ExternalCredential,
  ExternalCredentialSchema,
} from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { type Credentials, credential, refused, startCredentials } from "./credentials.ts";

describe("the credential store", () => {
  let credentials: Credentials;
  before(async () => {
    credentials = await startCredentials();
  });
  after(() => credentials?.stop());

  const lookup = { subjectId: "user:ada", connectionId: "github:default" };

  it("answers with what it was given, to the nanosecond", async () => {
    const client = credentials.client({ store: "round-trip" });
    const given = credential({
      ...{ instance: "work", refreshToken: "rt-1", scopes: "repo user", refreshErrorCount: 3 },
      metadataJson: '{"host":"git.example.com", "n": 1}',
      expiresAt: { seconds: 1_900_000_000n, nanos: 123_456_789 },
      lastRefreshedAt: { seconds: 1_700_000_000n, nanos: 5_000_000 },
    });
    const stored = await client.upsertCredential({ credential: given });
    const found = await client.getCredential({ lookup: { ...lookup, instance: "work" } });
    assert.deepEqual(found, stored);
    const { id, createdAt, updatedAt, ...rest } = stored;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(createdAt, updatedAt);
    assert.deepEqual({ ...rest, id }, create(ExternalCredentialSchema, { ...given, id }));
  });

  it("keeps id and creation of a credential whose key is the same, and replaces the rest", async () => {
    const client = credentials.client({ store: "again" });
    const first = await client.upsertCredential({ credential: credential({ id: "mine", refreshToken: "rt-1" }) });
    assert.equal(first.id, "mine");
    await credentials.advance(5_000);
    const second = await client.upsertCredential({ credential: credential({ id: "other", accessToken: "at-2" }) });
    const { accessToken, refreshToken, updatedAt } = second;
    assert.deepEqual([second.id, second.createdAt], ["mine", first.createdAt]);
    assert.deepEqual([accessToken, refreshToken], ["at-2", ""]);
    assert.equal(Number(updatedAt?.seconds) - Number(first.updatedAt?.seconds), 5);
    const other = await client.upsertCredential({ credential: credential({ id: "mine", instance: "other" }) });
    assert.notEqual(other.id, "mine");
  });

  it("puts a credential back as it was", async () => {
    const client = credentials.client({ store: "restored" });
    const times = { createdAt: timestampFromDate(new Date(1e12)), updatedAt: timestampFromDate(new Date(1.1e12)) };
    const before = await client.upsertCredential({ credential: credential(times), preserveTimestamps: true });
    assert.deepEqual([before.createdAt, before.updatedAt], [times.createdAt, times.updatedAt]);
    await client.upsertCredential({ credential: credential({ accessToken: "wrong" }) });
    assert.deepEqual(await client.upsertCredential({ credential: before, preserveTimestamps: true }), before);
    await client.deleteCredential({ id: before.id });
    assert.deepEqual(await client.upsertCredential({ credential: before, preserveTimestamps: true }), before);
  });

  it("lists by whatever is given", async () => {
    const client = credentials.client({ store: "list" });
    const keys = ["ada x", "ada x 1", "ada y 1", "bo x", "bo y 1"];
    for (const key of keys) {
      const [subjectId = "", connectionId = "", instance = ""] = key.split(" ");
      await client.upsertCredential({ credential: credential({ subjectId, connectionId, instance }) });
    }
    const listed = async (filter: { subjectId?: string; connectionId?: string; instance?: string }) => {
      const found = (await client.listCredentials(filter)).credentials;
      return found.map((one) => [one.subjectId, one.connectionId, one.instance].join(" ").trim());
    };
    assert.deepEqual(await listed({ subjectId: "ada" }), keys.slice(0, 3));
    assert.deepEqual(await listed({ subjectId: "ada", connectionId: "x" }), keys.slice(0, 2));
    assert.deepEqual(await listed({ subjectId: "ada", instance: "1" }), ["ada x 1", "ada y 1"]);
    assert.deepEqual(await listed({ connectionId: "y" }), ["ada y 1", "bo y 1"]);
    assert.deepEqual(await listed({ instance: "1" }), ["ada x 1", "ada y 1", "bo y 1"]);
    assert.deepEqual(await listed({}), keys);
    assert.deepEqual(await listed({ subjectId: "nobody" }), []);
  });

  it("deletes once", async () => {
    const client = credentials.client({ store: "delete" });
    const { id } = await client.upsertCredential({ credential: credential() });
    await client.deleteCredential({ id });
    await assert.rejects(client.getCredential({ lookup }), refused(Code.NotFound));
    await assert.rejects(client.deleteCredential({ id }), refused(Code.NotFound));
  });

  it("keeps stores apart, and everything through a restart", async () => {
    const one = credentials.client({ store: "one" });
    const stored = await one.upsertCredential({ credential: credential() });
    await assert.rejects(credentials.client({ store: "two" }).getCredential({ lookup }), refused(Code.NotFound));
    await credentials.control("restart", "one");
    assert.deepEqual(await one.getCredential({ lookup }), stored);
  });

  it("takes hostile texts for what they are", async () => {
    const client = credentials.client({ store: "hostile" });
    const texts = [
      ...["'; DROP TABLE credentials; --", "%", "_", "*", '"', "__proto__", "constructor", "\u{1f511}", " padded "],
      ...["x".repeat(1024), "a\u0301", "\u00e1", "null", "0", "\n"],
    ];
    const stored: ExternalCredential[] = [];
    for (const text of texts) {
      const hostile = { subjectId: text, connectionId: text, instance: text, scopes: text, refreshToken: text };
      const metadataJson = JSON.stringify({ [text]: text, nested: { __proto__: null } });
      stored.push(await client.upsertCredential({ credential: { ...hostile, accessToken: text, metadataJson } }));
    }
    for (const [index, text] of texts.entries()) {
      const found = await client.getCredential({ lookup: { subjectId: text, connectionId: text, instance: text } });
      assert.deepEqual(found, stored[index]);
      const { credentials: listed } = await client.listCredentials({ subjectId: text, instance: text });
      assert.deepEqual(listed, [stored[index]]);
    }
    await assert.rejects(client.deleteCredential({ id: "' OR 1=1 --" }), refused(Code.NotFound));
    assert.equal((await client.listCredentials({})).credentials.length, texts.length);
  });

  it("says that an answer would be too large, and keeps what it has", async () => {
    const client = credentials.client({ store: "large" });
    const large = "x".repeat(1_000_000);
    for (const instance of ["1", "2", "3", "4", "5"]) {
      await client.upsertCredential({ credential: credential({ instance, accessToken: large }) });
    }
    await assert.rejects(client.listCredentials({ subjectId: "user:ada" }), refused(Code.ResourceExhausted, /4 MiB/));
    const { credentials: few } = await client.listCredentials({ subjectId: "user:ada", instance: "5" });
    assert.equal(few[0]?.accessToken.length, large.length);
    const tooLarge = {
      credential: credential({ instance: "5", accessToken: large, refreshToken: "y".repeat(60_000) }),
    };
    await assert.rejects(client.upsertCredential(tooLarge), refused(Code.ResourceExhausted, /the limit is 1,048,576/));
    assert.deepEqual((await client.getCredential({ lookup: { ...lookup, instance: "5" } })).refreshToken, "");
    const resolved = await client.resolveCredential({
      ...lookup,
      mode: "user",
      credentialSubjectId: "user:ada",
      instance: "5",
    });
    assert.equal(resolved.token.length, large.length);
  });

  it("is copied whole to another store, under another key", async () => {
    const client = credentials.client({ store: "source" });
    for (let index = 0; index < 45; index++) {
      await client.upsertCredential({ credential: credential({ instance: String(index), metadataJson: '{"a":"b"}' }) });
    }
    assert.equal(await credentials.control("copy", ["source", "destination"]), 45);
    const copied = await credentials.client({ store: "destination", key: "KEY_2" }).listCredentials({});
    assert.deepEqual(copied.credentials, (await client.listCredentials({})).credentials);
  });

  it("answers a writer with a record of its own", async () => {
    const client = credentials.client({ store: "own" });
    const stored = await client.upsertCredential({ credential: credential() });
    const copy = clone(ExternalCredentialSchema, stored);
    copy.accessToken = "changed";
    assert.equal((await client.getCredential({ lookup })).accessToken, "at-1");
  });
});
