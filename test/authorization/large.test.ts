// A hundred thousand relationships: what is asked of them reads as many rows as it answers with, not as many as there are.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
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

const RELATIONSHIPS = 100_000;
const BATCH = 10_000;

// Of all: every user views 10 documents of 1,000. Beside them one document that everybody views, one user who views everything,
// and one of each who also edits: the worst a question can meet.
const USERS = 8_000;
const DOCS = 1_000;

describe(`${RELATIONSHIPS} relationships`, { timeout: 60_000 }, () => {
  let authorizations: Authorizations;
  let client: AuthorizationClient;
  const texts = [
    ...Array.from(
      { length: USERS * 10 },
      (_, n) => `user:u${n % USERS} viewer doc:d${(n + Math.floor(n / USERS) * 97) % DOCS}`,
    ),
    ...Array.from({ length: USERS }, (_, n) => `user:u${n} viewer doc:everybody`),
    ...Array.from({ length: 11_997 }, (_, n) => `user:root viewer doc:r${n}`),
    ...["user:root viewer doc:everybody", "user:root editor doc:everybody", "user:u77 editor doc:everybody"],
  ];

  before(async () => {
    authorizations = await startAuthorizations();
    client = authorizations.client("store");
    await client.writeModel({ model: DOCUMENTS });
    assert.equal(new Set(texts).size, RELATIONSHIPS);
    for (let at = 0; at < texts.length; at += BATCH) {
      await client.writeRelationships({ writes: texts.slice(at, at + BATCH).map(relationship) });
    }
  });
  after(() => authorizations?.stop());

  /** Rows that SQLite reads for it. */
  const cost = async (work: () => Promise<unknown>) => {
    await authorizations.control("measured");
    await work();
    return (await authorizations.control<Measured>("measured")).read;
  };
  const costs = async (most: number, work: () => Promise<unknown>) => {
    const rows = await cost(work);
    assert.ok(rows > 0 && rows <= most, `${rows} rows read, ${most} allowed`);
  };

  it("are decided on by one row for each relation", async () => {
    for (const text of ["user:u5 view doc:everybody", "user:root view doc:everybody", "user:root view doc:r11996"]) {
      await costs(2, async () => assert.equal((await client.evaluate(question(text))).allowed, true, text));
    }
    // What is not there reads nothing at all.
    const none = ["user:u5 edit doc:everybody", "user:root edit doc:r5", "user:nobody view doc:everybody"];
    for (const text of none) {
      assert.ok((await cost(async () => assert.equal((await client.evaluate(question(text))).allowed, false))) <= 2);
    }
    const requests = Array.from({ length: 1000 }, (_, n) => question(`user:u${n} view doc:everybody`));
    await costs(2000, async () => {
      const { decisions } = await client.evaluateMany({ requests });
      assert.ok(decisions.every(({ allowed }) => allowed));
    });
  });

  it("are searched by page: the rare among the many, too", async () => {
    const [view, edit] = [{ name: "view" }, { name: "edit" }];
    const everybody = entity("doc:everybody");
    await costs(8, async () => {
      const { subjects } = await client.searchSubjects({ resource: everybody, action: edit });
      assert.deepEqual(
        subjects.map(({ id }) => id),
        ["root", "u77"],
      );
    });
    await costs(8, async () => {
      const { resources } = await client.searchResources({ subject: entity("user:root"), action: edit });
      assert.deepEqual(
        resources.map(({ id }) => id),
        ["everybody"],
      );
    });
    await costs(4, async () => {
      const { actions } = await client.searchActions({ subject: entity("user:root"), resource: everybody });
      assert.equal(actions.length, 2);
    });
    const search = { resource: everybody, action: view, pageSize: 100 };
    let { nextPageToken } = await client.searchSubjects(search);
    await costs(
      250,
      async () => ({ nextPageToken } = await client.searchSubjects({ ...search, pageToken: nextPageToken })),
    );
    await costs(250, () => client.searchSubjects({ ...search, pageToken: nextPageToken }));
    await costs(450, () => client.searchResources({ subject: entity("user:root"), action: view, pageSize: 100 }));
  });

  it("are read by page, wherever the page is and whatever it is filtered by", async () => {
    const one = (filter: object) => costs(30, () => client.readRelationships({ ...filter, pageSize: 10 }));
    await one({});
    await one({ subject: entity("user:root") });
    await one({ resource: entity("doc:everybody") });
    await one({ resource: entity("doc:everybody"), relation: "editor" });
    await one({ subject: entity("user:root"), resource: entity("doc:everybody") });
    await one({ subject: entity("user:") });
    let pageToken = "";
    for (let page = 0; page < 3; page++) {
      const filter = { subject: entity("user:root"), pageSize: 1000, pageToken };
      await costs(2500, async () => {
        pageToken = (await client.readRelationships(filter)).nextPageToken;
      });
    }
  });

  it("are all there, in gestaltd's pages of 500", async () => {
    const pages = await allPages(
      (pageToken) => client.readRelationships({ pageSize: 500, pageToken }),
      ({ relationships }) => relationships.map(asText),
    );
    assert.equal(pages.length, RELATIONSHIPS / 500);
    assert.deepEqual(new Set(pages.flat()), new Set(texts));
  });
});
