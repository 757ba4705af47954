// What lies on disk, and under which key: encryption, rotation, keys that are wrong, lost or not there at all.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Code } from "@connectrpc/connect";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { credential, oauth, refused, resolving, resolvingPlatform, startCredentials } from "./credentials.ts";
import { describeWithEndpoint } from "./with-endpoint.ts";

const lookup = { subjectId: "user:ada", connectionId: "github:default" };
const SECRETS = { accessToken: "at-plain", refreshToken: "rt-plain", scopes: "scope-plain" };
const metadataJson = '{"host":"metadata-plain"}';

/** Configs of successive generations of keys. */
const FIRST = {};
const SECOND = { key: "KEY_2", oldKeys: ["GESTALT_EDGE_CREDENTIALS_KEY"] };
const WITHOUT_FIRST = { key: "KEY_2" };

describeWithEndpoint("keys of the credential store", (on) => {
  const inStore = (store: string) => ({
    client: (keys: object) => on.credentials.client({ store, ...keys }),
    keys: (keys: object) => on.credentials.keys({ store, ...keys }),
    rows: () => on.credentials.rows(store),
  });

  async function keyIds(store: string): Promise<unknown[]> {
    return [...new Set((await on.credentials.rows(store)).map(({ key_id }) => key_id))];
  }

  it("put nothing secret on disk, and no two ciphertexts alike", async () => {
    const { client, rows } = inStore("disk");
    const same = { ...SECRETS, metadataJson };
    await client(FIRST).upsertCredential({ credential: credential({ ...same, instance: "1" }) });
    await client(FIRST).upsertCredential({ credential: credential({ ...same, instance: "2" }) });
    on.endpoint.give({ access_token: "at-platform-plain", refresh_token: "rt-platform-plain", expires_in: 60 });
    await client(FIRST).resolveCredential(
      resolvingPlatform(oauth(on.endpoint.url, { grantType: "client_credentials" })),
    );
    const all = await rows();
    assert.equal(all.length, 4);
    assert.doesNotMatch(JSON.stringify(all), /plain|s3cr3t|k1-0123/);
    assert.equal(new Set(all.map(({ sealed }) => sealed)).size, 4);
    assert.match(String(all[0]?.key_id), /^[0-9a-f]{16}$/);
  });

  it("have ids that are the same everywhere, and content that is good nowhere else", async () => {
    for (const store of ["here", "there"]) {
      await inStore(store)
        .client(FIRST)
        .upsertCredential({ credential: credential(SECRETS) });
    }
    const [[here], [there]] = await Promise.all([on.credentials.rows("here"), on.credentials.rows("there")]);
    assert.equal(here?.key_id, there?.key_id);
    await inStore("there")
      .client(FIRST)
      .upsertCredential({ credential: credential({ ...SECRETS, instance: "x" }) });
    const swap = "UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE instance = 'x')";
    await on.credentials.control("tamper", { store: "there", statement: swap });
    const altered = refused(Code.FailedPrecondition, /has been altered/);
    await assert.rejects(inStore("there").client(FIRST).getCredential({ lookup }), altered);
  });

  it("change with what is written, and old ones still open", async () => {
    const { client } = inStore("writes");
    await client(FIRST).upsertCredential({ credential: credential({ ...SECRETS, metadataJson, instance: "old" }) });
    await client(FIRST).upsertCredential({ credential: credential({ ...SECRETS, instance: "new" }) });
    const [first] = await keyIds("writes");
    const old = await client(SECOND).getCredential({ lookup: { ...lookup, instance: "old" } });
    assert.deepEqual([old.accessToken, old.metadataJson], ["at-plain", metadataJson]);
    assert.deepEqual(await keyIds("writes"), [first]);
    await client(SECOND).upsertCredential({ credential: credential({ ...SECRETS, instance: "new" }) });
    const [, second] = await keyIds("writes");
    assert.notEqual(second, first);
    assert.equal((await client(SECOND).listCredentials(lookup)).credentials.length, 2);
  });

  it("change with what is renewed", async () => {
    const { client } = inStore("renewed");
    const expiresAt = { seconds: 1n, nanos: 0 };
    await client(FIRST).upsertCredential({ credential: credential({ ...SECRETS, expiresAt }) });
    const [first] = await keyIds("renewed");
    on.endpoint.give({ access_token: "at-2", expires_in: 60 });
    await client(SECOND).resolveCredential(resolving(oauth(on.endpoint.url)));
    const [row] = (await on.credentials.rows("renewed")).filter(({ subject }) => subject !== "");
    assert.notEqual(row?.key_id, first);
  });

  it("are rotated by command, a part at a time, with all that lies under them", async () => {
    const { client, keys } = inStore("rotated");
    const many = Array.from({ length: 230 }, (_, index) => String(index));
    const upsert = (instance: string) =>
      client(FIRST).upsertCredential({ credential: credential({ ...SECRETS, instance }) });
    for (let at = 0; at < many.length; at += 23) await Promise.all(many.slice(at, at + 23).map(upsert));
    on.endpoint.give({ access_token: "at-1", refresh_token: "rt-1", expires_in: 3600 });
    const platform = resolvingPlatform(
      oauth(on.endpoint.url, { grantType: "refresh_token", refreshToken: "rt-config" }),
    );
    await client(FIRST).resolveCredential(platform);
    const before = (await client(FIRST).listCredentials({})).credentials;
    const first = await keys(SECOND).rotateKeys({});
    assert.deepEqual([first.rotated, first.remaining, first.missing], [200n, 32n, []]);
    const second = await keys(SECOND).rotateKeys({});
    assert.deepEqual([second.rotated, second.remaining, second.keyId], [32n, 0n, first.keyId]);
    assert.deepEqual((await keys(SECOND).rotateKeys({})).rotated, 0n);
    assert.deepEqual(await keyIds("rotated"), [first.keyId]);
    assert.deepEqual((await client(WITHOUT_FIRST).listCredentials({})).credentials, before);
    await client(WITHOUT_FIRST).resolveCredential(platform);
    assert.equal(on.endpoint.asked.length, 1, "tokens of platform connections are found again");
  });

  it("are rotated around what nothing opens any more, which is named", async () => {
    const { client, keys, rows } = inStore("altered");
    const upsert = (instance: string) =>
      client(FIRST).upsertCredential({ credential: credential({ ...SECRETS, instance }) });
    for (const instance of ["1", "2", "3"]) await upsert(instance);
    const statement =
      "UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE instance = '2') WHERE number = 1";
    await on.credentials.control("tamper", { store: "altered", statement });
    const [altered] = await rows();
    const done = await keys(SECOND).rotateKeys({});
    assert.deepEqual([done.rotated, done.remaining], [2n, 1n]);
    const named = refused(
      Code.FailedPrecondition,
      new RegExp(`credential ${altered?.id} has been altered. Connecting`),
    );
    await assert.rejects(keys(SECOND).rotateKeys({}), named);
    await client(SECOND).upsertCredential({ credential: credential({ ...SECRETS, instance: "1" }) });
    assert.deepEqual((await keys(SECOND).rotateKeys({})).remaining, 0n);
    assert.equal((await client(WITHOUT_FIRST).listCredentials({})).credentials.length, 3);
  });

  it("are rotated while credentials are written, renewed and deleted", async () => {
    const { client, keys } = inStore("busy");
    const old = client(FIRST);
    const put = (to: typeof old, instance: number, accessToken: string, expiresAt = { seconds: 4_000_000_000n }) =>
      to.upsertCredential({
        credential: credential({ ...SECRETS, instance: String(instance), accessToken, expiresAt }),
      });
    await Promise.all(
      Array.from({ length: 120 }, (_, at) => put(old, at, "at-old", { seconds: at < 40 ? 1n : 4_000_000_000n })),
    );
    const listed = (await old.listCredentials({})).credentials;
    on.endpoint.give({ access_token: "at-renewed", expires_in: 3600 });
    const rotation = keys(SECOND).rotateKeys({});
    const writer = client(SECOND);
    await Promise.all([
      rotation,
      ...Array.from({ length: 40 }, (_, at) =>
        writer.resolveCredential(resolving(oauth(on.endpoint.url), { instance: String(at) })),
      ),
      ...Array.from({ length: 40 }, (_, at) => put(writer, 40 + at, "at-written")),
      ...listed.filter(({ instance }) => Number(instance) >= 100).map(({ id }) => writer.deleteCredential({ id })),
    ]);
    for (let remaining = 1n; remaining > 0n; ) ({ remaining } = await keys(SECOND).rotateKeys({}));
    const found = (await client(WITHOUT_FIRST).listCredentials({})).credentials;
    const tokens = new Map(found.map(({ instance, accessToken }) => [Number(instance), accessToken]));
    const token = (at: number) => (at < 40 ? "at-renewed" : at < 80 ? "at-written" : "at-old");
    assert.deepEqual(
      [...tokens].sort(([one], [other]) => one - other),
      Array.from({ length: 100 }, (_, at) => [at, token(at)]),
    );
  });

  it("that are wrong lose nothing", async () => {
    const { client, keys, rows } = inStore("wrong");
    const { id } = await client(FIRST).upsertCredential({ credential: credential(SECRETS) });
    const [row] = await rows();
    const lost = refused(
      Code.FailedPrecondition,
      new RegExp(`the key ${row?.key_id}, which this worker does not have`),
    );
    const wrong = client(WITHOUT_FIRST);
    await assert.rejects(wrong.getCredential({ lookup }), lost);
    await assert.rejects(wrong.listCredentials({ subjectId: "user:ada" }), lost);
    await assert.rejects(wrong.resolveCredential(resolving({ type: "bearer" })), lost);
    assert.deepEqual(
      (await keys(WITHOUT_FIRST).rotateKeys({})).missing.map(({ keyId, credentials }) => [keyId, credentials]),
      [[row?.key_id, 1n]],
    );
    assert.deepEqual(await rows(), [row]);
    assert.equal((await client(FIRST).getCredential({ lookup })).id, id);
    const identity = on.credentials.worker.client(ProviderLifecycle, {
      provider: "store",
      config: { store: "wrong", ...WITHOUT_FIRST },
    });
    const { warnings } = await identity.getProviderIdentity({});
    assert.match(warnings.join(), new RegExp(`1 stored credentials are encrypted with the key ${row?.key_id}`));
  });

  it("that are lost can be forgotten, and connecting again always works", async () => {
    const { client, keys, rows } = inStore("lost");
    await client(FIRST).upsertCredential({ credential: credential({ ...SECRETS, instance: "1" }) });
    await client(FIRST).upsertCredential({ credential: credential({ ...SECRETS, instance: "2" }) });
    on.endpoint.give({ access_token: "at-1", expires_in: 60 });
    const platform = resolvingPlatform(oauth(on.endpoint.url, { grantType: "client_credentials" }));
    await client(FIRST).resolveCredential(platform);
    const [row] = await rows();
    const lost = String(row?.key_id);
    await client(WITHOUT_FIRST).upsertCredential({ credential: credential({ ...SECRETS, instance: "1" }) });
    const known = client(WITHOUT_FIRST).getCredential({ lookup: { ...lookup, instance: "1" } });
    assert.equal((await known).accessToken, "at-plain");
    await assert.rejects(
      keys(FIRST).rotateKeys({ forgetKeyIds: [lost] }),
      refused(Code.FailedPrecondition, /has the key .* nothing under it is lost/),
    );
    await assert.rejects(
      client(WITHOUT_FIRST).resolveCredential(platform),
      refused(Code.FailedPrecondition, /the key/),
    );
    const done = await keys(WITHOUT_FIRST).rotateKeys({ forgetKeyIds: [lost, "ffffffffffffffff", "' OR 1=1"] });
    assert.deepEqual([done.forgotten, done.missing], [3n, []]);
    assert.equal((await client(WITHOUT_FIRST).listCredentials({})).credentials.length, 1);
    assert.equal((await client(WITHOUT_FIRST).resolveCredential(platform)).token, "at-1");
  });

  it("must be there, and long enough, when gestaltd configures the provider", async () => {
    const refusal = async (config: object, code: Code, text: RegExp) =>
      assert.rejects(on.credentials.client(config as never).listCredentials({}), refused(code, text));
    const [missing, invalid] = [Code.FailedPrecondition, Code.InvalidArgument];
    await refusal(
      { key: "NOT_THERE" },
      missing,
      /Worker secret NOT_THERE, which is not set.*wrangler secret put NOT_THERE/,
    );
    await refusal({ key: "SHORT_KEY" }, missing, /SHORT_KEY, which has 9 bytes, and a key needs 32/);
    await refusal({ oldKeys: ["SHORT_KEY"] }, missing, /SHORT_KEY/);
    await refusal({ key: "toString" }, missing, /toString, which is not set/);
    await refusal({ key: "CREDENTIALS_OBJECT" }, missing, /CREDENTIALS_OBJECT, which is not set/);
    await refusal({ key: "s3cr3t+key/itself=" }, invalid, /must be the name of a Worker secret, never the key itself/);
    await refusal({ encryptionKey: "s3cr3t" }, invalid, /encryptionKey must not stand in config/);
    await refusal({ keys: [] }, invalid, /unknown key keys; known are binding, store, location, key, oldKeys/);
    await refusal({ store: "a:b" }, invalid, /store: must be 1 to 64 letters/);
    await refusal({ binding: "KEY_2" }, missing, /no Durable Object bound as KEY_2.*CredentialsObject/);
    await refusal({ location: "moon" }, invalid, /must be one of/);
  });

  it("is opened with the old one of its own name, without a word in gestaltd's config", async () => {
    const rotated = await startCredentials({
      GESTALT_EDGE_CREDENTIALS_KEY: "k9-0123456789abcdef0123456789abcdef\n",
      GESTALT_EDGE_CREDENTIALS_KEY_OLD: "k1-0123456789abcdef0123456789abcdef",
    });
    try {
      const old = rotated.client({ key: "GESTALT_EDGE_CREDENTIALS_KEY_OLD" });
      await old.upsertCredential({ credential: credential(SECRETS) });
      assert.equal((await rotated.client().getCredential({ lookup })).accessToken, "at-plain");
      assert.equal((await rotated.keys().rotateKeys({})).rotated, 1n);
    } finally {
      await rotated.stop();
    }
  });
});
