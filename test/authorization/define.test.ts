// defineAuthorizationProvider: what an author may leave out, and what happens to answers that are none.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { refused } from "../support/refused.ts";
import {
  type Authorizations,
  DOCUMENTS,
  entity,
  question,
  relationship,
  startAuthorizations,
} from "./authorizations.ts";

describe("an authored authorization provider", () => {
  let authorizations: Authorizations;
  const log: string[] = [];
  before(async () => {
    authorizations = await startAuthorizations((line) => log.push(line));
  });
  after(() => authorizations?.stop());

  it("may be five handlers, all that gestaltd needs", async () => {
    const policy = authorizations.client("policy");
    const { id, version, createdAt } = await policy.writeModel({ model: DOCUMENTS });
    assert.deepEqual([id, version, createdAt], ["doc", "1", undefined]);
    assert.equal((await policy.getActiveModel({})).model?.id, "doc");
    const { models, nextPageToken } = await policy.listModels({});
    assert.deepEqual([models.map((one) => one.id), nextPageToken], [["doc"], ""]);
    assert.deepEqual(await policy.readRelationships({}).then(({ relationships }) => relationships), []);
    await policy.writeRelationships({ writes: [relationship("user:ada viewer doc:1")] });
    const { capabilities, activeModelId } = await policy.getMetadata({});
    assert.deepEqual([capabilities, activeModelId], [[], "doc"]);
  });

  it("answers many questions by its handler for one, in order", async () => {
    const policy = authorizations.client("policy");
    const requests = Array.from({ length: 40 }, (_, n) =>
      question(`user:${n % 3 ? "ada" : "root"} ${n % 2 ? "view" : "edit"} doc:1`),
    );
    const { decisions } = await policy.evaluateMany({ requests });
    assert.deepEqual(
      decisions.map(({ allowed }) => allowed),
      requests.map((_, n) => n % 3 === 0 || n % 2 === 1),
    );
  });

  it("lacks the searches it does not have", async () => {
    const policy = authorizations.client("policy");
    const [subject, resource, action] = [entity("user:ada"), entity("doc:1"), { name: "view" }];
    await assert.rejects(policy.searchSubjects({ resource, action }), refused(Code.Unimplemented));
    await assert.rejects(policy.searchResources({ subject, action }), refused(Code.Unimplemented));
    await assert.rejects(policy.searchActions({ subject, resource }), refused(Code.Unimplemented));
  });

  it("gets page sizes and tokens in order, and its own page tokens back", async () => {
    const careless = authorizations.client("careless");
    const search = { subject: entity("user:ada"), resource: entity("doc:1") };
    const names = async (paging: object) =>
      (await careless.searchActions({ ...search, ...paging })).actions.map(({ name }) => name);
    assert.deepEqual(await names({}), ["100", "undefined"]);
    assert.deepEqual(await names({ pageSize: 7, pageToken: "next" }), ["7", "next"]);
    assert.deepEqual(await names({ pageSize: 5000 }), ["1000", "undefined"]);
    assert.deepEqual((await careless.getMetadata({})).capabilities, ["search_actions"]);
  });

  it("says yes with nothing but true", async () => {
    const careless = authorizations.client("careless");
    const requests = Array.from({ length: 4 }, () => question("user:ada view doc:1"));
    const { decisions } = await careless.evaluateMany({ requests });
    assert.deepEqual(
      decisions.map(({ allowed, modelId }) => [allowed, modelId]),
      [
        [true, ""],
        [false, ""],
        [false, ""],
        [true, "m"],
      ],
    );
    assert.equal((await careless.evaluate(question("user:ada view doc:1"))).allowed, false);
  });

  it("must decide on each question, and name each model", async () => {
    const careless = authorizations.client("careless");
    const requests = Array.from({ length: 5 }, () => question("user:ada view doc:1"));
    await assert.rejects(careless.evaluateMany({ requests }), refused(Code.Internal, /4 decisions on 5 questions/));
    await assert.rejects(careless.getActiveModel({}), refused(Code.Internal, /no id/));
    assert.equal((await careless.writeModel({ model: DOCUMENTS })).version, "7");
  });

  it("keeps the text of its failures to its log", async () => {
    await assert.rejects(
      authorizations.client("careless").readRelationships({}),
      refused(Code.Internal, /^internal error$/),
    );
    assert.ok(log.some((line) => line.includes("a secret")));
  });
});
