// What no well-meaning caller sends, to each method: a clear code, nothing stored, nothing of it in the log.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { create, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  AccessEvaluationsRequestSchema,
  AuthorizationProvider,
  WriteRelationshipsRequestSchema,
} from "../../src/gen/gestalt/provider/v1/authorization_pb.ts";
import { refused } from "../support/refused.ts";
import {
  type AuthorizationClient,
  type Authorizations,
  DOCUMENTS,
  entity,
  question,
  relationship,
  startAuthorizations,
} from "./authorizations.ts";

const SQL = "'; DROP TABLE relationships; --";
const HUGE = "x".repeat(3_000_000);

describe("authorization and bad input", () => {
  let authorizations: Authorizations;
  let client: AuthorizationClient;
  const log: string[] = [];
  const subject = entity("user:ada");
  const resource = entity("doc:1");
  const action = { name: "view" };

  before(async () => {
    authorizations = await startAuthorizations((line) => log.push(line));
    client = authorizations.client("store", { store: "bad" });
    await client.writeModel({ model: DOCUMENTS });
    await client.writeRelationships({ writes: [relationship("user:ada viewer doc:1")] });
  });
  after(async () => {
    // Nothing was stored, and the tables are still there.
    const { relationships } = await client.readRelationships({});
    assert.equal(relationships.length, 1);
    assert.equal((await client.listModels({})).models.length, 1);
    assert.deepEqual(log, [], "what callers do wrong is no news for the log");
    await authorizations.stop();
  });

  const is = (promise: Promise<unknown>, text: RegExp, code = Code.InvalidArgument) =>
    assert.rejects(promise, refused(code, text));

  it("misses a subject, an action or a resource", async () => {
    await is(client.evaluate({}), /subject is missing/);
    await is(client.evaluate({ subject, resource }), /action's name is missing/);
    await is(client.evaluate({ subject, action }), /resource is missing/);
    await is(client.evaluate({ subject: { id: "ada" }, action, resource }), /subject's type is missing/);
    await is(client.evaluate({ subject: { type: "user" }, action, resource }), /subject's id is missing/);
    await is(client.evaluateMany({ requests: [{ subject, action, resource }, {}] }), /subject is missing/);
    await is(client.searchSubjects({ action }), /resource is missing/);
    await is(client.searchSubjects({ resource }), /action's name is missing/);
    await is(client.searchResources({ action }), /subject is missing/);
    await is(client.searchResources({ subject, action: {} }), /action's name is missing/);
    await is(client.searchActions({ subject }), /resource is missing/);
    await is(client.searchActions({ resource }), /subject is missing/);
    await is(client.writeRelationships({ writes: [{ subject, resource }] }), /relation is missing/);
    await is(client.writeRelationships({ deletes: [{ subject, relation: "viewer" }] }), /resource is missing/);
    await is(client.writeModel({}), /model is missing/);
  });

  it("has names and ids that are too long, cut in two, or hold a NUL", async () => {
    const long = { type: "user", id: "é".repeat(1025) };
    await is(client.evaluate({ subject: long, action, resource }), /subject's id has 2,050 bytes; the limit is 2,048/);
    assert.equal(
      (await client.evaluate({ subject: { ...long, id: "é".repeat(1024) }, action, resource })).allowed,
      false,
    );
    await is(client.evaluate({ subject, action: { name: HUGE }, resource }), /action's name has 3,000,000 bytes/);
    await is(client.readRelationships({ relation: HUGE }), /relation has/);
    await is(client.readRelationships({ modelId: HUGE }), /model id has/);
    await is(client.searchSubjects({ resource, action, subjectType: HUGE }), /subject type has/);
    await is(client.searchResources({ subject, action, resourceType: HUGE }), /resource type has/);
    const nul = { type: "user", id: "ada\0viewer" };
    await is(client.writeRelationships({ writes: [{ subject: nul, relation: "viewer", resource }] }), /NUL/);
    const body =
      '{"subject":{"type":"user","id":"\\ud800"},"action":{"name":"view"},"resource":{"type":"doc","id":"1"}}';
    const answer = await authorizations.postJson("Evaluate", body, { store: "bad" });
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [400, "invalid_argument"]);
  });

  it("has SQL in every text", async () => {
    const evil = { type: SQL, id: SQL };
    const [sqlAction, filters] = [{ name: SQL }, { subject: evil, resource: evil, relation: SQL }];
    assert.equal((await client.evaluate({ subject: evil, action: sqlAction, resource: evil })).allowed, false);
    assert.deepEqual((await client.readRelationships(filters)).relationships, []);
    assert.deepEqual((await client.readRelationships({ subject: { id: `ada${SQL}` } })).relationships, []);
    const search = { subject: evil, resource: evil, action: sqlAction, subjectType: SQL, resourceType: SQL };
    assert.deepEqual((await client.searchSubjects(search)).subjects, []);
    assert.deepEqual((await client.searchResources(search)).resources, []);
    assert.deepEqual((await client.searchActions(search)).actions, []);
    await client.writeRelationships({ deletes: [{ subject: evil, relation: SQL, resource: evil }] });
    await is(client.readRelationships({ modelId: SQL }), /no authorization model/, Code.NotFound);
    const other = authorizations.client("store", { store: "sql" });
    const names = {
      name: SQL,
      relations: [{ name: SQL, subjectTypes: [SQL] }],
      actions: [{ name: SQL, relations: [SQL] }],
    };
    await other.writeModel({ model: { version: 1, resourceTypes: [names] } });
    await other.writeRelationships({ writes: [{ subject: evil, relation: SQL, resource: evil }] });
    assert.equal((await other.evaluate({ subject: evil, action: sqlAction, resource: evil })).allowed, true);
    assert.equal((await other.searchSubjects({ resource: evil, action: sqlAction })).subjects[0]?.id, SQL);
  });

  it("has names that every object of JavaScript has", async () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
    for (const name of names) {
      const odd = { type: name, id: name };
      const none = await client.evaluate({ subject: odd, action: { name }, resource: odd });
      assert.deepEqual([none.allowed, none.context], [false, { reason: "no such resource type" }]);
      const unknown = await client.evaluate({ subject, action: { name }, resource });
      assert.deepEqual([unknown.allowed, unknown.context], [false, { reason: "no such action" }]);
      await is(client.writeRelationships({ writes: [{ subject, relation: name, resource }] }), /has no relation/);
      const write = { subject: odd, relation: "viewer", resource };
      await is(client.writeRelationships({ writes: [write] }), /has no relation/);
      const other = authorizations.client("store", { store: name });
      const type = { name, relations: [{ name, subjectTypes: [name] }], actions: [{ name, relations: [name] }] };
      await other.writeModel({ model: { version: 1, resourceTypes: [type] } });
      const properties = { [name]: { [name]: name } };
      await other.writeRelationships({ writes: [{ subject: odd, relation: name, resource: odd, properties }] });
      assert.equal((await other.evaluate({ subject: odd, action: { name }, resource: odd })).allowed, true);
      const { relationships } = await other.readRelationships({ relation: name });
      assert.equal(JSON.stringify(relationships[0]?.properties), JSON.stringify(properties));
      const found = await other.searchActions({ subject: odd, resource: odd });
      assert.deepEqual(
        found.actions.map((one) => one.name),
        [name],
      );
    }
  });

  it("has properties that are no JSON, or nest without end", async () => {
    const write = (properties: JsonObject) =>
      client.writeRelationships({ writes: [{ ...relationship("user:odd viewer doc:1"), properties }] });
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      await is(write({ score: number }), /property "score" of a relationship is (NaN|-?Infinity), which JSON has no/);
      await is(write({ list: [{ score: number }] }), /property "score"/);
    }
    let deep: JsonObject = {};
    for (let levels = 0; levels < 600; levels++) deep = { deep };
    await is(write(deep), /is not a gestalt\.provider\.v1\.WriteRelationshipsRequest/);
    await is(client.evaluate({ ...question("user:ada view doc:1"), context: deep }), /is not a/);
  });

  it("has page sizes and tokens that were never given", async () => {
    const { nextPageToken } = await (async () => {
      const writes = ["user:a viewer doc:1", "user:b viewer doc:1"].map(relationship);
      const paged = authorizations.client("store", { store: "paged" });
      await paged.writeModel({ model: DOCUMENTS });
      await paged.writeRelationships({ writes });
      return paged.readRelationships({ pageSize: 1 });
    })();
    const forged = Buffer.from(nextPageToken, "base64url").toString("latin1").replace('"a"', '"b"');
    const foreign = [nextPageToken, nextPageToken.slice(3), Buffer.from(forged, "latin1").toString("base64url")];
    for (const pageToken of [...foreign, "1", "%", "AAAA", "e30", SQL, "\u{1f600}", "A".repeat(10_000)]) {
      const damaged = /page token is damaged, or belongs to another request/;
      await is(client.searchSubjects({ resource, action, pageToken }), damaged);
      await is(client.searchResources({ subject, action, pageToken }), damaged);
      await is(client.searchActions({ subject, resource, pageToken }), damaged);
      await is(client.listModels({ pageToken }), damaged);
      await is(client.readRelationships({ resource, pageToken }), damaged);
    }
    for (const payload of ["", "[", "7", '{"0":"1"}', "[1]", "[]", '["1","2"]', "[null]", '["1']) {
      await is(client.listModels({ pageToken: forgedToken(["models"], payload) }), /damaged/);
    }
    assert.deepEqual((await client.listModels({ pageToken: forgedToken(["models"], '["x"]') })).models, []);
    await is(client.listModels({ pageToken: "A".repeat(70_000) }), /longer than any/);
    await is(client.listModels({ pageSize: -1 }), /cannot be negative/);
    await is(client.readRelationships({ pageSize: -2_147_483_648 }), /cannot be negative/);
    await is(client.searchActions({ subject, resource, pageSize: -1 }), /cannot be negative/);
    assert.equal((await client.readRelationships({ pageSize: 2_147_483_647 })).relationships.length, 1);
  });

  it("has models that contradict themselves", async () => {
    const write = (...resourceTypes: object[]) => client.writeModel({ model: { version: 1, resourceTypes } });
    await is(client.writeModel({ model: { ...DOCUMENTS, version: 2 } }), /version 2; this provider knows version 1/);
    await is(client.writeModel({ model: { ...DOCUMENTS, version: -1 } }), /version -1/);
    await is(write({ name: "" }), /name of a resource type is missing/);
    await is(write({ name: "a" }, { name: "a" }), /resource type "a" twice/);
    await is(write({ name: "a", relations: [{ name: "" }] }), /name of a relation of resource type "a" is missing/);
    await is(write({ name: "a", relations: [{ name: "r" }, { name: "r" }] }), /"a" has the relation "r" twice/);
    await is(
      write({ name: "a", relations: [{ name: "r", subjectTypes: [""] }] }),
      /subject type of relation "r" is missing/,
    );
    await is(write({ name: "a", actions: [{ name: "x" }, { name: "x" }] }), /action "x" twice/);
    await is(write({ name: "a", actions: [{ name: "" }] }), /name of an action .* is missing/);
    await is(write({ name: "a", actions: [{ name: "x", relations: ["r"] }] }), /has no relation "r".*action "x"/);
    await is(write({ name: "a", actions: [{ name: "x", relations: ["constructor"] }] }), /no relation "constructor"/);
    const many = Array.from({ length: 40_000 }, (_, n) => ({ name: `type-${n}` }));
    await is(write(...many), /The model has [\d,]+ bytes as JSON; the limit is 1,048,576/);
  });

  it("has more than fits", async () => {
    const write = { ...relationship("user:big viewer doc:1"), properties: { text: "x".repeat(65_536) } };
    await is(client.writeRelationships({ writes: [write] }), /have 65,547 bytes as JSON; the limit is 65,536/);
    const requests = Array.from({ length: 10_001 }, () => question("user:ada view doc:1"));
    await is(client.evaluateMany({ requests }), /10,001 evaluations.*at most 10,000/, Code.ResourceExhausted);
    const { decisions } = await client.evaluateMany({ requests: requests.slice(1) });
    assert.ok(decisions.length === 10_000 && decisions.every(({ allowed }) => allowed));
    const writes = Array.from({ length: 1600 }, (_, n) => relationship(`user:${"u".repeat(2000)}${n} viewer doc:1`));
    const size = toBinary(WriteRelationshipsRequestSchema, create(WriteRelationshipsRequestSchema, { writes })).length;
    assert.ok(size > 3_000_000 && size < 4_194_304, String(size));
    const big = authorizations.client("store", { store: "big" });
    await big.writeModel({ model: DOCUMENTS });
    await big.writeRelationships({ writes });
    const page = await big.readRelationships({ pageSize: 1000 });
    assert.ok(page.relationships.length > 100 && page.relationships.length < 1000 && page.nextPageToken !== "");
  });

  it("has names and ids of full length, of what JSON writes longest", async () => {
    const [type, id] = ["\u0001".repeat(256), "\u0002".repeat(2047)];
    const long = authorizations.client("store", { store: "long" });
    const relations = [{ name: type, subjectTypes: [type] }];
    await long.writeModel({ model: { version: 1, resourceTypes: [{ name: type, relations }] } });
    const writes = ["a", "b"].map((last) => {
      const one = { type, id: id + last };
      return { subject: one, relation: type, resource: one };
    });
    await long.writeRelationships({ writes });
    const { nextPageToken } = await long.readRelationships({ pageSize: 1 });
    const { relationships } = await long.readRelationships({ pageToken: nextPageToken });
    assert.deepEqual(
      relationships.map(({ subject }) => subject?.id.slice(-1)),
      ["b"],
    );
  });

  it("has pages that would not fit into an answer, whatever their properties become", async () => {
    const fat = authorizations.client("store", { store: "fat" });
    await fat.writeModel({ model: DOCUMENTS });
    const digits = Array.from({ length: 32_000 }, () => 1);
    for (let n = 0; n < 16; n += 4) {
      const writes = [n, n + 1, n + 2, n + 3].map((one) => {
        const { subject, ...rest } = relationship(`user:${one} viewer doc:1`);
        return { ...rest, subject: { ...subject, properties: { digits } } };
      });
      await fat.writeRelationships({ writes });
    }
    let [pages, read, found, pageToken] = [0, 0, 0, ""];
    do {
      const page = await fat.readRelationships({ pageToken });
      [pages, read, pageToken] = [pages + 1, read + page.relationships.length, page.nextPageToken];
    } while (pageToken !== "");
    do {
      const page = await fat.searchSubjects({ resource, action, pageToken });
      [found, pageToken] = [found + page.subjects.length, page.nextPageToken];
    } while (pageToken !== "");
    assert.deepEqual([read, found], [16, 16]);
    assert.ok(pages > 1);
  });

  it("is no message at all", async () => {
    const post = async (method: string, body: string | Uint8Array<ArrayBuffer>, type: string) => {
      const authorization = `Bearer ${await authorizations.worker.token({ provider: "store", config: { store: "bad" } })}`;
      const headers = { "content-type": type, authorization };
      const answer = await authorizations.worker.fetch(`/${AuthorizationProvider.typeName}/${method}`, {
        ...{ method: "POST", headers, body },
      });
      return [answer.status, ((await answer.json()) as { code: string }).code];
    };
    const wrong = [400, "invalid_argument"];
    for (const { name } of AuthorizationProvider.methods) {
      if (name === "GetMetadata" || name === "GetActiveModel") continue;
      assert.deepEqual(await post(name, Uint8Array.of(0xff, 0xff, 0xff), "application/proto"), wrong, name);
      assert.deepEqual(await post(name, '{"nonsense": [', "application/json"), wrong, name);
    }
    assert.deepEqual(await post("Evaluate", '{"subject": 7}', "application/json"), wrong);
    assert.deepEqual(await post("WriteRelationships", '{"writes": {"subject": []}}', "application/json"), wrong);
    const half = toBinary(AccessEvaluationsRequestSchema, create(AccessEvaluationsRequestSchema, { requests: [{}] }));
    assert.deepEqual(await post("EvaluateMany", half as Uint8Array<ArrayBuffer>, "application/proto"), wrong);
  });
});

/** As who has read our code would make one. */
function forgedToken(listing: readonly string[], payload: string): string {
  const digest = createHash("sha256").update(JSON.stringify(listing)).update(payload).digest();
  return Buffer.concat([digest.subarray(0, 9), Buffer.from(payload)]).toString("base64url");
}
