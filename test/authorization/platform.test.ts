// What the authorization store does when its platform fails, when its data is older or newer than the code, and with its config.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { refused } from "../support/refused.ts";
import {
  type Authorizations,
  DOCUMENTS,
  entity,
  type Measured,
  question,
  relationship,
  startAuthorizations,
} from "./authorizations.ts";

describe("authorization store", () => {
  let authorizations: Authorizations;
  const log: string[] = [];
  before(async () => {
    authorizations = await startAuthorizations((line) => log.push(line));
  });
  beforeEach(() => authorizations.control("faults", { times: 0 }));
  after(() => authorizations?.stop());

  describe("when the platform fails", () => {
    const measured = () => authorizations.control<Measured>("measured");
    const client = () => authorizations.client("store", { store: "faults" });

    it("tries everything again, for no call says more than how things are to be", async () => {
      const [subject, resource, action] = [entity("user:ada"), entity("doc:1"), { name: "view" }];
      const writes = [relationship("user:ada viewer doc:1")];
      const calls = [
        () => client().writeModel({ model: DOCUMENTS }),
        () => client().writeRelationships({ writes }),
        () => client().readRelationships({}),
        () => client().evaluate(question("user:ada view doc:1")),
        () => client().evaluateMany({ requests: [question("user:ada view doc:1")] }),
        () => client().searchSubjects({ resource, action }),
        () => client().searchResources({ subject, action }),
        () => client().searchActions({ subject, resource }),
        () => client().getActiveModel({}),
        () => client().getMetadata({}),
        () => client().listModels({}),
      ];
      for (const call of calls) {
        await authorizations.control("faults", { times: 2, retryable: true });
        await call();
        const { pauses, calls } = await measured();
        assert.deepEqual([pauses, calls.length], [[50, 100], 3]);
      }
    });

    it("gives up with UNAVAILABLE", async () => {
      await authorizations.control("faults", { times: 100, retryable: true });
      await assert.rejects(client().getActiveModel({}), refused(Code.Unavailable, /did not answer/));
      assert.deepEqual((await measured()).pauses, [50, 100, 200]);
    });

    it("does not press an overloaded object", async () => {
      await authorizations.control("faults", { times: 1, retryable: true, overloaded: true });
      await assert.rejects(client().getActiveModel({}), refused(Code.Unavailable, /more requests/));
      assert.deepEqual((await measured()).pauses, []);
    });

    it("says that it is full", async () => {
      await authorizations.control("faults", { times: 1, message: "database or disk is full: SQLITE_FULL" });
      const write = client().writeRelationships({ writes: [relationship("user:bo viewer doc:1")] });
      await assert.rejects(write, refused(Code.ResourceExhausted, /10 GB/));
    });

    it("keeps any other failure to itself", async () => {
      await authorizations.control("faults", { times: 1, message: "what is this?" });
      await assert.rejects(client().getActiveModel({}), refused(Code.Internal, /^internal error$/));
      assert.ok(log.some((line) => line.includes("what is this?")));
    });
  });

  describe("brings older data up to date", () => {
    const upgrade = (name: string, steps: number, failing = false) =>
      authorizations.control<{ done: number[]; version: number[]; failure: string | null }>("upgrade", {
        ...{ name, steps, failing },
      });

    it("step by step, each once", async () => {
      assert.deepEqual(await upgrade("steps", 1), { done: [1], version: [1], failure: null });
      assert.deepEqual(await upgrade("steps", 1), { done: [1], version: [1], failure: null });
      assert.deepEqual(await upgrade("steps", 4), { done: [1, 2, 3, 4], version: [4], failure: null });
    });

    it("wholly or not at all", async () => {
      await upgrade("whole", 1);
      const failed = { done: [1], version: [1], failure: "Error: this step fails" };
      assert.deepEqual(await upgrade("whole", 3, true), failed);
      assert.deepEqual(await upgrade("whole", 3), { done: [1, 2, 3], version: [3], failure: null });
      assert.deepEqual(await upgrade("new", 1, true), { done: [], version: [], failure: failed.failure });
    });

    it("and leaves newer data alone", async () => {
      await upgrade("newer", 3);
      const { done, version, failure } = await upgrade("newer", 2);
      assert.deepEqual([done, version], [[1, 2, 3], [3]]);
      assert.match(
        failure ?? "",
        /written by a newer release of gestalt-edge, as version 3 of the schema; this one knows 2/,
      );
      const client = authorizations.client("store", { store: "future" });
      await client.writeModel({ model: DOCUMENTS });
      await authorizations.control("from-the-future", "future");
      await assert.rejects(
        client.getActiveModel({}),
        refused(Code.FailedPrecondition, /newer release of gestalt-edge/),
      );
    });
  });

  it("is copied to another, page by page, with properties", async () => {
    const [from, to] = ["from", "to"].map((store) => authorizations.client("store", { store }));
    const writes = Array.from({ length: 25 }, (_, n) => ({
      ...relationship(`user:u${n} viewer doc:1`),
      properties: { n },
    }));
    await from?.writeModel({ model: DOCUMENTS });
    await from?.writeRelationships({ writes });
    await to?.writeModel({ model: DOCUMENTS });
    await authorizations.control("copy", ["from", "to"]);
    const [original, copied] = [await from?.readRelationships({}), await to?.readRelationships({})];
    assert.equal(copied?.relationships.length, 25);
    assert.deepEqual(copied?.relationships, original?.relationships);
  });

  describe("is configured", () => {
    const refuses = async (config: object, text: RegExp, code = Code.InvalidArgument) =>
      assert.rejects(authorizations.client("store", config as never).getActiveModel({}), refused(code, text));

    it("with a store, a binding and a place, and nothing else", async () => {
      await refuses({ store: "a:b" }, /store.*letters, digits/);
      await refuses({ location: "mars" }, /location.*must be one of wnam/);
      await refuses({ shards: 4 }, /unknown key shards; known are binding, store, location/);
      await refuses(
        { binding: "NOWHERE" },
        /no Durable Object bound as NOWHERE.*new_sqlite_classes/,
        Code.FailedPrecondition,
      );
      await refuses({ binding: "constructor" }, /no Durable Object bound/, Code.FailedPrecondition);
      const placed = authorizations.client("store", {
        store: "placed",
        location: "weur",
        binding: "AUTHORIZATION_OBJECT",
      });
      assert.equal((await placed.getActiveModel({})).model, undefined);
    });
  });
});
