// What no method may take, and that nothing of it is stored or told.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { type Credentials, credential, oauth, refused, resolving, startCredentials } from "./credentials.ts";

describe("bad input to the credential store", () => {
  let credentials: Credentials;
  before(async () => {
    credentials = await startCredentials();
  });
  after(() => credentials?.stop());

  const invalid = (text: RegExp) => refused(Code.InvalidArgument, text);
  const lookup = { subjectId: "user:ada", connectionId: "github:default", instance: "" };
  const LONG = "x".repeat(1025);
  const WRONG: readonly [text: string, fault: RegExp][] = [
    ["a\0b", /holds a NUL character/],
    [LONG, /has 1025 bytes; the limit is 1024/],
    ["\u00fc".repeat(513), /has 1026 bytes/],
  ];

  for (const field of ["subjectId", "connectionId", "instance"] as const) {
    const name = field.replace("Id", "_id");
    it(`is refused as ${name} everywhere`, async () => {
      const client = credentials.client();
      const faults = field === "instance" ? WRONG : [...WRONG, ["", /is missing/] as const];
      for (const [text, fault] of faults) {
        const said = new RegExp(`${name} ${fault.source}`);
        await assert.rejects(client.upsertCredential({ credential: credential({ [field]: text }) }), invalid(said));
        await assert.rejects(client.getCredential({ lookup: { ...lookup, [field]: text } }), invalid(said));
        if (text !== "") await assert.rejects(client.listCredentials({ [field]: text }), invalid(said));
        const asked = field === "subjectId" ? "credentialSubjectId" : field;
        const resolve = resolving(oauth("https://example.com"), { [asked]: text });
        await assert.rejects(
          client.resolveCredential(resolve),
          invalid(/(credential_)?(subject_id|connection_id|instance)/),
        );
      }
    });
  }

  it("is refused as id, provider, connection and actor", async () => {
    const client = credentials.client();
    for (const [text, fault] of WRONG) {
      await assert.rejects(client.deleteCredential({ id: text }), invalid(fault));
      await assert.rejects(client.upsertCredential({ credential: credential({ id: text }) }), invalid(fault));
      for (const field of ["provider", "connection", "actorSubjectId"]) {
        await assert.rejects(client.resolveCredential(resolving({}, { [field]: text })), invalid(fault));
        await assert.rejects(client.exchangeCredential({ [field]: text, credentialJson: "{}" }), invalid(fault));
      }
      await assert.rejects(client.validateCredentialConfig({ provider: text }), invalid(fault));
    }
    await assert.rejects(client.deleteCredential({}), invalid(/id is missing/));
  });

  it("is refused where something is missing", async () => {
    const client = credentials.client();
    await assert.rejects(client.upsertCredential({}), invalid(/holds no credential/));
    await assert.rejects(client.getCredential({}), invalid(/names no credential/));
    await assert.rejects(client.resolveCredential({}), invalid(/mode must be/));
    await assert.rejects(client.resolveCredential({ mode: "none" }), invalid(/has no credential/));
    await assert.rejects(client.resolveCredential({ mode: "s3cr3t" }), invalid(/mode must be/));
    await assert.rejects(client.resolveCredential({ mode: "user" }), invalid(/credential_subject_id is missing/));
    await assert.rejects(client.validateCredentialConfig({ mode: "s3cr3t" }), invalid(/mode must be/));
    await assert.rejects(client.resolveCredential({ mode: "platform" }), invalid(/auth\.type/));
    assert.deepEqual((await client.exchangeCredential({})).tokenResponse, undefined);
  });

  it("is refused as time, count and metadata", async () => {
    const client = credentials.client();
    const upsert = (fields: Parameters<typeof credential>[0]) =>
      client.upsertCredential({ credential: credential(fields) });
    for (const field of ["expiresAt", "lastRefreshedAt", "createdAt", "updatedAt"]) {
      const name = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      for (const time of [
        { seconds: 253_402_300_800n, nanos: 0 },
        { seconds: -62_135_596_801n, nanos: 0 },
        { seconds: 2n ** 62n, nanos: 0 },
        { seconds: 0n, nanos: -1 },
        { seconds: 0n, nanos: 1_000_000_000 },
      ]) {
        await assert.rejects(upsert({ [field]: time }), invalid(new RegExp(`${name} is no instant`)));
      }
    }
    await assert.rejects(upsert({ refreshErrorCount: -1 }), invalid(/refresh_error_count is negative/));
    for (const metadataJson of ["s3cr3t", "[]", "null", "1", '"x"', "{", "{".repeat(100_000)]) {
      await assert.rejects(upsert({ metadataJson }), invalid(/metadata_json is not a JSON object/));
    }
    await upsert({ metadataJson: '{"__proto__":{"a":1}}', instance: "proto" });
    const latest = { seconds: 253_402_300_799n, nanos: 999_999_999 };
    assert.deepEqual((await upsert({ expiresAt: latest, instance: "latest" })).expiresAt?.nanos, latest.nanos);
    const earliest = { seconds: -62_135_596_800n, nanos: 1 };
    assert.equal((await upsert({ expiresAt: earliest, instance: "earliest" })).expiresAt?.seconds, earliest.seconds);
  });

  it("is refused as JSON of other types, in every method", async () => {
    const METHODS = [
      ...["UpsertCredential", "GetCredential", "ListCredentials", "DeleteCredential"],
      ...["ValidateCredentialConfig", "ResolveCredential", "ExchangeCredential"],
    ];
    const BODIES = [
      "",
      "[]",
      "null",
      "s3cr3t",
      '{"credential":"s3cr3t","lookup":"s3cr3t","subjectId":{},"id":7,"auth":"s3cr3t","unknownField":1}',
      '{"credential":{"accessToken":7},"lookup":{"subjectId":[]},"connectionId":7,"id":null,"mode":{},"x":1}',
    ];
    for (const method of METHODS) {
      for (const body of BODIES) {
        const response = await credentials.postJson(method, body);
        const text = await response.text();
        assert.ok(response.status >= 400 && response.status < 500, `${method} ${body}: ${response.status} ${text}`);
      }
    }
    const surrogate = await credentials.postJson(
      "GetCredential",
      '{"lookup":{"subjectId":"\\ud800","connectionId":"c"}}',
    );
    assert.equal(surrogate.status, 400);
  });

  it("is refused where it is more than 4 MiB", async () => {
    const huge = "x".repeat(5 * 1024 * 1024);
    const client = credentials.client();
    const upsert = client.upsertCredential({ credential: credential({ accessToken: huge }) });
    await assert.rejects(upsert, refused(Code.ResourceExhausted));
    const connectionParams = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [`p${index}`, "x".repeat(100)]),
    );
    await client.validateCredentialConfig({ mode: "user", connectionParams });
  });

  it("leaves nothing behind", async () => {
    const instances = (await credentials.rows()).map(({ instance }) => instance);
    assert.deepEqual(instances, ["proto", "latest", "earliest"]);
    assert.doesNotMatch(credentials.log.join("\n"), /s3cr3t|at-1|rt-1/);
  });
});
