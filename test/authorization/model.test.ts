// Random histories of models and relationships against the simplest thing that could be right: a list, searched from end to end.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { type AuthorizationClient, type Authorizations, allPages, startAuthorizations } from "./authorizations.ts";

const RUNS = 100;

// Few of each, so that they meet; odd ones, so that they are not mistaken for one another or for SQL.
const TYPES = ["doc", "folder", "__proto__"];
const SUBJECT_TYPES = ["user", "group", "user'); DROP TABLE relationships; --"];
const RELATIONS = ["viewer", "editor", "constructor"];
const ACTIONS = ["view", "edit", "toString"];
const IDS = ["1", "2", "Ä", "\uffee", "\u{1f600}", "a b", "1:2", "%_"];

interface Model {
  readonly version: number;
  readonly resourceTypes: readonly {
    readonly name: string;
    readonly relations: readonly { readonly name: string; readonly subjectTypes: readonly string[] }[];
    readonly actions: readonly { readonly name: string; readonly relations: readonly string[] }[];
  }[];
}
type Entity = { readonly type: string; readonly id: string };
type Tuple = { readonly subject: Entity; readonly relation: string; readonly resource: Entity };

const some = (values: readonly string[]) => fc.uniqueArray(fc.constantFrom(...values));
const named = <T>(names: readonly string[], rest: (name: string) => fc.Arbitrary<T>) =>
  some(names).chain((chosen) => fc.tuple(...chosen.map(rest)));
const model: fc.Arbitrary<Model> = named(TYPES, (name) =>
  named(RELATIONS, (relation) => fc.record({ name: fc.constant(relation), subjectTypes: some(SUBJECT_TYPES) })).chain(
    (relations) =>
      fc.record({
        name: fc.constant(name),
        relations: fc.constant(relations),
        actions: named(ACTIONS, (action) =>
          fc.record({ name: fc.constant(action), relations: fc.subarray(relations.map((one) => one.name)) }),
        ),
      }),
  ),
).map((resourceTypes) => ({ version: 1, resourceTypes }));

const subject = fc.record({ type: fc.constantFrom(...SUBJECT_TYPES), id: fc.constantFrom(...IDS) });
const resource = fc.record({ type: fc.constantFrom(...TYPES), id: fc.constantFrom(...IDS) });
const tuple = fc.record({ subject, relation: fc.constantFrom(...RELATIONS), resource });
const maybe = (values: readonly string[]) => fc.constantFrom("", "", ...values);

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ call: fc.constant("model"), model }) },
  {
    weight: 4,
    arbitrary: fc.record({
      call: fc.constant("write"),
      writes: fc.array(tuple, { maxLength: 12 }),
      deletes: fc.array(tuple, { maxLength: 3 }),
      // Writes that the model refuses are the rule, if chosen blindly.
      fitting: fc.integer({ min: 0, max: 9 }).map((one) => one > 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant("read"),
      subject: fc.record({ type: maybe(SUBJECT_TYPES), id: maybe(IDS) }),
      relation: maybe(RELATIONS),
      resource: fc.record({ type: maybe(TYPES), id: maybe(IDS) }),
      pageSize: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant("ask"),
      questions: fc.array(fc.record({ subject, action: fc.constantFrom(...ACTIONS), resource }), { maxLength: 10 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      call: fc.constant("search"),
      ...{ subject, resource, action: fc.constantFrom(...ACTIONS) },
      ...{ subjectType: maybe(SUBJECT_TYPES), resourceType: maybe(TYPES) },
      pageSize: fc.integer({ min: 1, max: 4 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const textOf = ({ subject, relation, resource }: Tuple) =>
  JSON.stringify([resource.type, resource.id, relation, subject.type, subject.id]);

/** The specification, as code. */
class Reference {
  model: Model | undefined;
  relationships: Tuple[] = [];

  #relation(type: string, name: string) {
    return this.model?.resourceTypes.find((one) => one.name === type)?.relations.find((one) => one.name === name);
  }

  admits({ subject, relation, resource }: Tuple): boolean {
    return this.#relation(resource.type, relation)?.subjectTypes.includes(subject.type) === true;
  }

  write(writes: readonly Tuple[], deletes: readonly Tuple[]): void {
    const without = (list: readonly Tuple[], gone: readonly Tuple[]) => {
      const texts = new Set(gone.map(textOf));
      return list.filter((one) => !texts.has(textOf(one)));
    };
    this.relationships = without(this.relationships, deletes);
    for (const one of writes) this.relationships = [...without(this.relationships, [one]), one];
  }

  allows(subject: Entity, action: string, resource: Entity): boolean {
    const type = this.model?.resourceTypes.find(({ name }) => name === resource.type);
    const relations = type?.actions.find(({ name }) => name === action)?.relations ?? [];
    return this.relationships.some(
      (one) =>
        relations.includes(one.relation) &&
        this.admits(one) &&
        textOf(one) === textOf({ subject, relation: one.relation, resource }),
    );
  }
}

describe("authorization model", () => {
  let authorizations: Authorizations;
  let run = 0;
  before(async () => {
    authorizations = await startAuthorizations();
  });
  after(() => authorizations?.stop());

  it(`behaves as a list searched from end to end, in ${RUNS} random runs`, { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), model, async (steps, first) => {
        const client = authorizations.client("store", { store: `run-${run++}` });
        const reference = new Reference();
        await compare({ call: "model", model: first }, reference, client);
        for (const each of steps) await compare(each, reference, client);
      }),
      { numRuns: RUNS },
    );
  });
});

const ids = new Map<string, string>();

async function compare(step: Step, reference: Reference, client: AuthorizationClient): Promise<void> {
  switch (step.call) {
    case "model": {
      reference.model = step.model;
      const { id } = await client.writeModel({ model: mutable(step.model) });
      // Ids are the same for the same content, and different for different ones, over all runs.
      const content = canonical(step.model);
      assert.equal(ids.get(content) ?? id, id);
      ids.set(content, id);
      return assert.equal(new Set(ids.values()).size, ids.size);
    }
    case "write": {
      const writes = step.fitting ? step.writes.filter((one) => reference.admits(one)) : step.writes;
      const outcome = await client.writeRelationships({ writes, deletes: step.deletes }).catch(ConnectError.from);
      if (writes.every((one) => reference.admits(one))) {
        assert.ok(!(outcome instanceof ConnectError), String(outcome));
        const written = new Set(writes.map(textOf));
        return reference.write(
          writes,
          step.deletes.filter((one) => !written.has(textOf(one))),
        );
      }
      return assert.equal(outcome instanceof ConnectError && outcome.code, Code.InvalidArgument);
    }
    case "read": {
      const { call: _, ...filter } = step;
      const pages = await allPages(
        (pageToken) => client.readRelationships({ ...filter, pageToken }),
        ({ relationships }) => relationships as unknown as Tuple[],
      );
      const fits = (one: Entity, wanted: Entity) =>
        (wanted.type === "" || one.type === wanted.type) && (wanted.id === "" || one.id === wanted.id);
      const expected = reference.relationships.filter(
        (one) =>
          fits(one.subject, filter.subject) &&
          fits(one.resource, filter.resource) &&
          (filter.relation === "" || one.relation === filter.relation),
      );
      assert.deepEqual(pages.flat().map(textOf).sort(), expected.map(textOf).sort());
      return assert.ok(pages.slice(0, -1).every(({ length }) => length === filter.pageSize));
    }
    case "ask": {
      const requests = step.questions.map((one) => ({ ...one, action: { name: one.action } }));
      const { decisions } = await client.evaluateMany({ requests });
      return assert.deepEqual(
        decisions.map(({ allowed }) => allowed),
        step.questions.map(({ subject, action, resource }) => reference.allows(subject, action, resource)),
      );
    }
    case "search":
      return compareSearches(step, reference, client);
  }
}

async function compareSearches(
  { subject, resource, action, subjectType, resourceType, pageSize }: Extract<Step, { call: "search" }>,
  reference: Reference,
  client: AuthorizationClient,
): Promise<void> {
  const [inTypes, inIds] = [(wanted: string, all: readonly string[]) => (wanted === "" ? all : [wanted]), inOrder(IDS)];
  const entities = (types: readonly string[]) => inOrder(types).flatMap((type) => inIds.map((id) => ({ type, id })));
  const plain = ({ type, id }: Entity) => ({ type, id });
  const subjects = await allPages(
    (pageToken) => client.searchSubjects({ resource, action: { name: action }, subjectType, pageSize, pageToken }),
    (page) => page.subjects.map(plain),
  );
  const able = entities(inTypes(subjectType, SUBJECT_TYPES)).filter((one) => reference.allows(one, action, resource));
  assert.deepEqual(subjects.flat(), able);
  const resources = await allPages(
    (pageToken) => client.searchResources({ subject, action: { name: action }, resourceType, pageSize, pageToken }),
    (page) => page.resources.map(plain),
  );
  const open = entities(inTypes(resourceType, TYPES)).filter((one) => reference.allows(subject, action, one));
  assert.deepEqual(resources.flat(), open);
  const actions = await allPages(
    (pageToken) => client.searchActions({ subject, resource, pageSize, pageToken }),
    (page) => page.actions.map(({ name }) => name),
  );
  assert.deepEqual(
    actions.flat(),
    ACTIONS.toSorted().filter((one) => reference.allows(subject, one, resource)),
  );
}

/** By the bytes of UTF-8. */
function inOrder(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function canonical({ resourceTypes }: Model): string {
  const sorted = <T extends { readonly name: string }>(list: readonly T[]) =>
    list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return JSON.stringify(
    sorted(resourceTypes).map(({ name, relations, actions }) => [
      name,
      sorted(relations).map((one) => [one.name, one.subjectTypes.toSorted()]),
      sorted(actions).map((one) => [one.name, one.relations.toSorted()]),
    ]),
  );
}

/** Generated messages want arrays that they could change. */
function mutable({ version, resourceTypes }: Model) {
  return {
    version,
    resourceTypes: resourceTypes.map(({ name, relations, actions }) => ({
      name,
      relations: relations.map((one) => ({ ...one, subjectTypes: [...one.subjectTypes] })),
      actions: actions.map((one) => ({ ...one, relations: [...one.relations] })),
    })),
  };
}
