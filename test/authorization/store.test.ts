// The ready-made authorization over HTTP in workerd: models, relationships, decisions and searches, method by method.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { refused } from "../support/refused.ts";
import {
  type AuthorizationClient,
  type Authorizations,
  allPages,
  asText,
  DOCUMENTS,
  entity,
  type Measured,
  question,
  relationship,
  startAuthorizations,
} from "./authorizations.ts";

describe("authorization on a Durable Object", () => {
  let authorizations: Authorizations;
  let stores = 0;
  const fresh = () => authorizations.client("store", { store: `store-${stores++}` });
  const measured = () => authorizations.control<Measured>("measured");
  const withDocuments = async (...relationships: string[]) => {
    const client = fresh();
    const { id } = await client.writeModel({ model: DOCUMENTS });
    await client.writeRelationships({ writes: relationships.map(relationship) });
    return { client, id };
  };
  const all = async (client: AuthorizationClient) =>
    (await client.readRelationships({ pageSize: 1000 })).relationships.map(asText);

  before(async () => {
    authorizations = await startAuthorizations();
  });
  after(() => authorizations?.stop());

  describe("models", () => {
    it("are there only once written", async () => {
      const client = fresh();
      assert.equal((await client.getActiveModel({})).model, undefined);
      assert.deepEqual((await client.listModels({})).models, []);
      assert.equal((await client.getMetadata({})).activeModelId, "");
      const started = Date.now();
      const { id, version, createdAt } = await client.writeModel({ model: DOCUMENTS });
      assert.match(id, /^model-[0-9a-f]{64}$/);
      assert.equal(version, "1");
      const written = Number(createdAt?.seconds) * 1000 + Number(createdAt?.nanos) / 1e6;
      assert.ok(written >= started - 1 && written <= Date.now() + 1, String(written - started));
      assert.equal((await client.getActiveModel({})).model?.id, id);
      const { capabilities, activeModelId } = await client.getMetadata({});
      assert.equal(activeModelId, id);
      assert.deepEqual(capabilities, ["search_subjects", "search_resources", "search_actions", "list_models"]);
    });

    it("have the same id for the same content, in whatever order it is written, in every store", async () => {
      const client = fresh();
      const first = await client.writeModel({ model: DOCUMENTS });
      const turned = {
        version: 0,
        resourceTypes: DOCUMENTS.resourceTypes.toReversed().map(({ name, relations, actions }) => ({
          name,
          relations: relations.toReversed().map((one) => ({ ...one, subjectTypes: one.subjectTypes.toReversed() })),
          actions: actions.toReversed().map((one) => ({ ...one, relations: one.relations.toReversed() })),
        })),
      };
      await measured();
      const again = await client.writeModel({ model: turned });
      assert.deepEqual(again, first);
      assert.equal((await measured()).written, 0, "writing the model in force writes nothing");
      assert.equal((await fresh().writeModel({ model: DOCUMENTS })).id, first.id);
    });

    it("stay as history, the newest first, and can be put in force again", async () => {
      const client = fresh();
      const ids: string[] = [];
      for (let number = 0; number < 5; number++) {
        const model = { version: 1, resourceTypes: [{ name: `type-${number}` }] };
        ids.unshift((await client.writeModel({ model })).id);
      }
      const pages = await allPages(
        (pageToken) => client.listModels({ pageSize: 2, pageToken }),
        ({ models }) => models.map(({ id }) => id),
      );
      assert.deepEqual(pages, [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
      const [oldest] = (await client.listModels({})).models.slice(-1);
      const again = await client.writeModel({ model: { version: 1, resourceTypes: [{ name: "type-0" }] } });
      assert.deepEqual(again, oldest, "with its first time");
      assert.equal((await client.getActiveModel({})).model?.id, ids[4]);
      assert.deepEqual(
        (await client.listModels({})).models.map(({ id }) => id),
        ids,
      );
    });

    it("are kept apart by store", async () => {
      const { id } = await fresh().writeModel({ model: DOCUMENTS });
      await assert.rejects(
        fresh().readRelationships({ modelId: id }),
        refused(Code.NotFound, /no authorization model/),
      );
    });
  });

  describe("relationships", () => {
    it("come back in a stable order, page by page, whatever is written meanwhile", async () => {
      const texts = Array.from({ length: 25 }, (_, n) => `user:u${n % 5} ${n % 2 ? "viewer" : "editor"} doc:${n}`);
      const { client, id } = await withDocuments(...texts);
      const sorted = await all(client);
      assert.deepEqual([...sorted].sort(), texts.sort());
      const seen: string[] = [];
      let pageToken = "";
      do {
        const page = await client.readRelationships({ pageSize: 7, pageToken });
        assert.equal(page.modelId, id);
        seen.push(...page.relationships.map(asText));
        pageToken = page.nextPageToken;
        // One that was read already goes, one comes far behind: neither moves the others.
        await client.writeRelationships({
          deletes: [relationship(seen[0] ?? "")],
          writes: [relationship("user:zoe viewer doc:zzz")],
        });
      } while (pageToken !== "");
      assert.deepEqual(seen, [...sorted, "user:zoe viewer doc:zzz"]);
    });

    it("are filtered by each part and by all of them", async () => {
      const texts = [
        "user:ada viewer doc:1",
        "user:ada editor doc:1",
        "user:ada viewer doc:2",
        "group:ada viewer doc:1",
      ];
      const { client } = await withDocuments(...texts, "user:bo viewer doc:1", "user:bo editor doc:22");
      const read = async (filter: { subject?: string; relation?: string; resource?: string }) => {
        const { subject, resource, relation = "" } = filter;
        const pages = await allPages(
          (pageToken) =>
            client.readRelationships({
              ...(subject && { subject: entity(subject) }),
              relation,
              ...(resource && { resource: entity(resource) }),
              pageSize: 2,
              pageToken,
            }),
          ({ relationships }) => relationships.map(asText),
        );
        return pages.flat().sort();
      };
      assert.deepEqual(await read({ subject: "user:ada" }), texts.slice(0, 3).sort());
      assert.deepEqual(await read({ subject: "group:" }), [texts[3]]);
      assert.deepEqual(await read({ subject: ":ada" }), texts.toSorted());
      assert.deepEqual(await read({ relation: "editor" }), ["user:ada editor doc:1", "user:bo editor doc:22"]);
      assert.deepEqual(await read({ resource: "doc:22" }), ["user:bo editor doc:22"]);
      assert.deepEqual(await read({ resource: ":2" }), ["user:ada viewer doc:2"]);
      assert.equal((await read({ resource: "doc:" })).length, 6);
      assert.deepEqual(await read({ subject: "user:ada", resource: "doc:1" }), texts.slice(0, 2).sort());
      assert.deepEqual(await read({ subject: "user:ada", relation: "viewer", resource: "doc:1" }), [texts[0]]);
      assert.deepEqual(await read({ relation: "viewer", resource: "doc:2" }), ["user:ada viewer doc:2"]);
      assert.deepEqual(await read({ subject: "user:ada", resource: ":1" }), texts.slice(0, 2).sort());
      assert.deepEqual(await read({ subject: "user:nobody" }), []);
      assert.deepEqual(await read({ resource: "DOC:1" }), []);
    });

    it("keep their properties, and get those written last", async () => {
      const { client } = await withDocuments();
      const properties = { text: "a'b\"c", nested: { list: [1, null, true, { deep: [] }] }, constructor: "x" };
      const written = {
        subject: { ...entity("user:ada"), properties },
        relation: "viewer",
        resource: { ...entity("doc:1"), properties: {} },
        properties: JSON.parse('{"__proto__": {"polluted": 1}, "since": 2026.5}'),
      };
      await client.writeRelationships({ writes: [written] });
      const [read] = (await client.readRelationships({})).relationships;
      assert.deepEqual(read?.subject?.properties, properties);
      assert.deepEqual(read?.resource?.properties, {});
      assert.equal(JSON.stringify(read?.properties), JSON.stringify(written.properties));
      await measured();
      await client.writeRelationships({ writes: [written] });
      assert.equal((await measured()).written, 0, "writing it again writes nothing");
      await client.writeRelationships({ writes: [relationship("user:ada viewer doc:1")] });
      const [bare] = (await client.readRelationships({})).relationships;
      assert.deepEqual([bare?.subject?.properties, bare?.properties], [undefined, undefined]);
    });

    it("are written and deleted all together or not at all", async () => {
      const { client } = await withDocuments("user:ada viewer doc:1");
      const writes = ["user:bo viewer doc:1", "group:crew editor doc:1", "user:cy viewer doc:1"].map(relationship);
      const deletes = [relationship("user:ada viewer doc:1")];
      const text = /no relation "editor" of "group" to "doc" \(writes\[1\]\)\. Nothing was written/;
      await assert.rejects(client.writeRelationships({ writes, deletes }), refused(Code.InvalidArgument, text));
      assert.deepEqual(await all(client), ["user:ada viewer doc:1"]);
      await client.writeRelationships({ writes: writes.toSpliced(1, 1), deletes });
      assert.deepEqual(await all(client), ["user:bo viewer doc:1", "user:cy viewer doc:1"]);
    });

    it("may be written when they exist, deleted when they do not, and written though deleted in the same call", async () => {
      const { client } = await withDocuments("user:ada viewer doc:1");
      const writes = [relationship("user:ada viewer doc:1"), relationship("user:ada viewer doc:1")];
      const deletes = ["user:ada viewer doc:1", "user:nobody viewer doc:1", "user:x nothing spaceship:1"];
      await client.writeRelationships({ writes, deletes: deletes.map(relationship) });
      assert.deepEqual(await all(client), ["user:ada viewer doc:1"]);
      await client.writeRelationships({});
    });

    it("are checked by the model they were written for", async () => {
      const client = fresh();
      const writes = [relationship("user:ada viewer doc:1")];
      await client.writeRelationships({ deletes: writes });
      await assert.rejects(client.writeRelationships({ writes }), refused(Code.FailedPrecondition, /No model/));
      const documents = await client.writeModel({ model: DOCUMENTS });
      const empty = await client.writeModel({ model: { version: 1 } });
      await assert.rejects(client.writeRelationships({ writes }), refused(Code.InvalidArgument));
      await assert.rejects(client.writeRelationships({ writes, modelId: empty.id }), refused(Code.InvalidArgument));
      await assert.rejects(client.writeRelationships({ writes, modelId: "m" }), refused(Code.NotFound, /"m"/));
      await assert.rejects(client.writeRelationships({ deletes: writes, modelId: "m" }), refused(Code.NotFound));
      await client.writeRelationships({ writes, modelId: documents.id });
      assert.deepEqual(await all(client), ["user:ada viewer doc:1"]);
    });

    it("outlive the model, and mean what the one in force says", async () => {
      const { client, id } = await withDocuments("user:ada editor doc:1", "group:crew viewer doc:1");
      const may = async () => (await client.evaluate(question("user:ada edit doc:1"))).allowed;
      assert.equal(await may(), true);
      const other = await client.writeModel({ model: { version: 1, resourceTypes: [{ name: "doc" }] } });
      assert.equal(await may(), false);
      const { relationships, modelId } = await client.readRelationships({});
      assert.deepEqual([relationships.length, modelId], [2, other.id]);
      const old = await client.readRelationships({ modelId: id });
      assert.deepEqual([old.relationships.length, old.modelId], [2, id]);
      await client.writeModel({ model: DOCUMENTS });
      assert.equal(await may(), true);
    });

    it("count only for subjects of the types that the relation admits", async () => {
      const { client } = await withDocuments("group:crew viewer doc:1");
      const may = async () => (await client.evaluate(question("group:crew view doc:1"))).allowed;
      assert.equal(await may(), true);
      const [documents] = DOCUMENTS.resourceTypes;
      const relations = documents?.relations.map((relation) => ({ ...relation, subjectTypes: ["user"] })) ?? [];
      await client.writeModel({ model: { version: 1, resourceTypes: [{ ...documents, relations }] } });
      assert.equal(await may(), false);
      const { subjects } = await client.searchSubjects({ resource: entity("doc:1"), action: { name: "view" } });
      assert.deepEqual(subjects, []);
    });
  });

  describe("decisions", () => {
    it("are made by any relation that allows the action, and say by which model", async () => {
      const { client, id } = await withDocuments(
        "user:ada editor doc:1",
        "user:bo viewer doc:1",
        "group:bo viewer doc:2",
      );
      const decide = async (text: string) => {
        const { allowed, modelId, context } = await client.evaluate(question(text));
        assert.equal(modelId, id);
        return context === undefined ? allowed : [allowed, context.reason];
      };
      assert.equal(await decide("user:ada view doc:1"), true);
      assert.equal(await decide("user:ada edit doc:1"), true);
      assert.equal(await decide("user:bo view doc:1"), true);
      assert.equal(await decide("user:bo edit doc:1"), false);
      assert.equal(await decide("user:bo view doc:2"), false);
      assert.equal(await decide("group:bo view doc:2"), true);
      assert.equal(await decide("user:Ada view doc:1"), false);
      assert.deepEqual(await decide("user:ada viewer doc:1"), [false, "no such action"]);
      assert.deepEqual(await decide("user:ada constructor doc:1"), [false, "no such action"]);
      assert.deepEqual(await decide("user:ada view __proto__:1"), [false, "no such resource type"]);
    });

    it("are no before there is a model", async () => {
      const { allowed, modelId, context } = await fresh().evaluate(question("user:ada view doc:1"));
      assert.deepEqual([allowed, modelId, context], [false, "", { reason: "no model" }]);
    });

    it("are made together in the order of the questions, in one call to the object", async () => {
      const { client, id } = await withDocuments(
        ...Array.from({ length: 50 }, (_, n) => `user:u${n} viewer doc:${n % 7}`),
      );
      await measured();
      const asked = Array.from({ length: 500 }, (_, n) => ({ user: n % 60, doc: n % 11 }));
      const requests = asked.map(({ user, doc }) => question(`user:u${user} view doc:${doc}`));
      const { decisions } = await client.evaluateMany({ requests });
      assert.deepEqual((await measured()).calls, ["evaluate"]);
      assert.deepEqual(
        decisions.map(({ allowed }) => allowed),
        asked.map(({ user, doc }) => user < 50 && user % 7 === doc),
      );
      assert.ok(decisions.every(({ modelId }) => modelId === id));
      assert.deepEqual((await client.evaluateMany({})).decisions, []);
    });
  });

  describe("searches", () => {
    it("find each subject once, by type and id, page by page", async () => {
      const texts = Array.from({ length: 12 }, (_, n) => `user:u${n + 10} ${n % 3 ? "viewer" : "editor"} doc:1`);
      // Ids that JavaScript and SQLite order differently.
      const odd = ["user:\u{1f600} viewer doc:1", "user:\uffee editor doc:1", "user:\u{1f600} editor doc:1"];
      const others = ["user:u10 viewer doc:1", "group:a viewer doc:1", "group:b viewer doc:2", "user:x viewer doc:2"];
      const { client, id } = await withDocuments(...texts, ...odd, ...others);
      const search = async (action: string, subjectType: string, pageSize: number) =>
        allPages(
          (pageToken) =>
            client.searchSubjects({
              resource: entity("doc:1"),
              action: { name: action },
              subjectType,
              pageSize,
              pageToken,
            }),
          (page) => {
            assert.equal(page.modelId, id);
            return page.subjects.map((one) => `${one.type}:${one.id}`);
          },
        );
      const users = [...Array.from({ length: 12 }, (_, n) => `user:u${n + 10}`), "user:\uffee", "user:\u{1f600}"];
      for (const pageSize of [1, 4, 7, 15, 100]) {
        assert.deepEqual((await search("view", "", pageSize)).flat(), ["group:a", ...users]);
        assert.deepEqual((await search("view", "user", pageSize)).flat(), users);
      }
      assert.deepEqual((await search("view", "group", 5)).flat(), ["group:a"]);
      assert.deepEqual((await search("edit", "group", 5)).flat(), []);
      assert.deepEqual((await search("fly", "", 5)).flat(), []);
      assert.deepEqual(
        (await search("edit", "", 3)).flat(),
        users.filter((_, n) => n % 3 === 0 || n >= 12),
      );
      assert.deepEqual(
        (await search("view", "", 5)).map(({ length }) => length),
        [5, 5, 5],
      );
    });

    it("find resources of one type or of all", async () => {
      const model = {
        version: 1,
        resourceTypes: ["folder", "doc"].map((name) => ({ ...DOCUMENTS.resourceTypes[0], name })),
      };
      const client = fresh();
      const { id } = await client.writeModel({ model });
      const texts = ["user:ada viewer doc:2", "user:ada editor doc:2", "user:ada editor doc:1", "user:bo viewer doc:3"];
      await client.writeRelationships({ writes: [...texts, "user:ada viewer folder:a"].map(relationship) });
      const search = async (action: string, resourceType: string, pageSize = 1) =>
        (
          await allPages(
            (pageToken) =>
              client.searchResources({
                subject: entity("user:ada"),
                action: { name: action },
                resourceType,
                pageSize,
                pageToken,
              }),
            (page) => {
              assert.equal(page.modelId, id);
              return page.resources.map((one) => `${one.type}:${one.id}`);
            },
          )
        ).flat();
      assert.deepEqual(await search("view", "doc"), ["doc:1", "doc:2"]);
      assert.deepEqual(await search("view", "", 2), ["doc:1", "doc:2", "folder:a"]);
      assert.deepEqual(await search("edit", ""), ["doc:1", "doc:2"]);
      assert.deepEqual(await search("edit", "folder"), []);
      assert.deepEqual(await search("view", "toString"), []);
    });

    it("find actions", async () => {
      const { client, id } = await withDocuments("user:ada editor doc:1", "user:bo viewer doc:1");
      const search = async (subject: string, resource: string, pageSize = 1) =>
        (
          await allPages(
            (pageToken) =>
              client.searchActions({ subject: entity(subject), resource: entity(resource), pageSize, pageToken }),
            (page) => {
              assert.equal(page.modelId, id);
              return page.actions.map(({ name }) => name);
            },
          )
        ).flat();
      assert.deepEqual(await search("user:ada", "doc:1"), ["edit", "view"]);
      assert.deepEqual(await search("user:bo", "doc:1"), ["view"]);
      assert.deepEqual(await search("group:bo", "doc:1"), []);
      assert.deepEqual(await search("user:ada", "doc:2"), []);
      assert.deepEqual(await search("user:ada", "ship:1"), []);
    });

    it("bring the properties that the relationship has", async () => {
      const { client } = await withDocuments();
      const write = {
        subject: { ...entity("user:ada"), properties: { team: "x" } },
        relation: "viewer",
        resource: { ...entity("doc:1"), properties: { title: "One" } },
      };
      await client.writeRelationships({ writes: [write] });
      const found = await client.searchSubjects({ resource: entity("doc:1"), action: { name: "view" } });
      assert.deepEqual(found.subjects[0]?.properties, { team: "x" });
      const { resources } = await client.searchResources({ subject: entity("user:ada"), action: { name: "view" } });
      assert.deepEqual(resources[0]?.properties, { title: "One" });
    });

    it("find nothing before there is a model", async () => {
      const client = fresh();
      const [resource, subject, action] = [entity("doc:1"), entity("user:ada"), { name: "view" }];
      assert.deepEqual((await client.searchSubjects({ resource, action })).subjects, []);
      assert.deepEqual((await client.searchResources({ subject, action })).resources, []);
      assert.deepEqual((await client.searchActions({ subject, resource })).actions, []);
    });
  });
});
