// Scenarios for host.authorization.
import { type Scenario, thrownBy } from "../support/scenarios.ts";

const ada = { type: "user", id: "ada" };
const bo = { type: "user", id: "bo", properties: { team: "x" } };
const doc = { type: "doc", id: "1" };
const model = {
  version: 1,
  resourceTypes: [
    {
      name: "doc",
      relations: [{ name: "viewer", subjectTypes: ["user"] }],
      actions: [
        { name: "view", relations: ["viewer", "editor"] },
        { name: "edit", relations: ["editor"] },
      ],
    },
  ],
};

export const models: Scenario = async ({ authorization }) => {
  const none = await authorization.getActiveModel();
  const before = await authorization.getMetadata();
  const { createdAt, ...first } = await authorization.writeModel(model);
  const second = await authorization.writeModel({ version: 1, resourceTypes: [] });
  const again = await authorization.writeModel(model);
  const page = await authorization.listModels({ pageSize: 1 });
  const rest = await authorization.listModels({ pageToken: page.nextPageToken });
  return {
    none,
    before,
    first,
    dated: createdAt instanceof Date,
    same: [second.id === first.id, again.id === first.id],
    pages: [page.models.map(({ id }) => id), page.nextPageToken, rest.models.map(({ id }) => id), rest.nextPageToken],
    active: (await authorization.getActiveModel())?.id,
    metadata: await authorization.getMetadata(),
  };
};

export const relationships: Scenario = async ({ authorization }) => {
  await authorization.writeRelationships({
    writes: [
      { subject: ada, relation: "editor", resource: doc, properties: { since: "2026" } },
      { subject: bo, relation: "viewer", resource: doc },
      { subject: bo, relation: "viewer", resource: { type: "doc", id: "2" } },
    ],
    modelId: "model-doc",
  });
  const all = await authorization.readRelationships();
  const bos = await authorization.readRelationships({ subject: { type: "user", id: "bo" }, pageSize: 1 });
  const rest = await authorization.readRelationships({ subject: bo, pageToken: bos.nextPageToken });
  const editors = await authorization.readRelationships({ relation: "editor", resource: doc });
  await authorization.writeRelationships({
    deletes: [
      { subject: bo, relation: "viewer", resource: { type: "doc", id: "2" } },
      { subject: bo, relation: "owner", resource: doc },
    ],
  });
  return {
    counts: [all.relationships.length, bos.relationships.length, rest.relationships.length],
    next: [bos.nextPageToken, rest.nextPageToken],
    editors,
    left: (await authorization.readRelationships()).relationships.length,
  };
};

export const decisions: Scenario = async ({ authorization }) => ({
  view: await authorization.evaluate({ subject: bo, action: "view", resource: doc, context: { ip: "::1" } }),
  edit: await authorization.evaluate({ subject: bo, action: { name: "edit" }, resource: doc }),
  many: (
    await authorization.evaluateMany([
      { subject: ada, action: { name: "edit", properties: { force: true } }, resource: doc },
      { subject: bo, action: "edit", resource: doc },
    ])
  ).map(({ allowed }) => allowed),
  none: await authorization.evaluateMany([]),
});

export const searches: Scenario = async ({ authorization }) => {
  const subjects = await authorization.searchSubjects({ resource: doc, action: "view", pageSize: 1 });
  return {
    subjects,
    rest: await authorization.searchSubjects({ resource: doc, action: "view", pageToken: subjects.nextPageToken }),
    robots: (await authorization.searchSubjects({ resource: doc, action: "view", subjectType: "robot" })).subjects,
    resources: await authorization.searchResources({ subject: ada, action: "edit", resourceType: "doc" }),
    actions: await authorization.searchActions({ subject: bo, resource: doc }),
    wrong: await thrownBy(() => authorization.searchActions({ subject: bo, resource: doc, pageSize: -1 })),
  };
};

export const forPlugins: Scenario = async ({ authorization }) => ({
  metadata: await authorization.getMetadata(),
  subjects: (await authorization.searchSubjects({ resource: doc, action: "view" })).subjects,
  evaluate: await thrownBy(() => authorization.evaluate({ subject: ada, action: "view", resource: doc })),
});
