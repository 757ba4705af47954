// The three searches: who may, on what, and which actions. Each reads no more rows than its page has, times the relations in play.
import { compareText } from "./compare-text.ts";
import type { Model } from "./model.ts";
import type { FoundRow, RelationshipTable } from "./relationship-table.ts";

/** A subject or resource; its properties are JSON. */
export interface Found extends FoundRow {
  readonly type: string;
}

/** The last entity of the page before: a search goes on after it. */
export type Place = Pick<Found, "type" | "id">;

export interface SubjectSearch {
  readonly resource_type: string;
  readonly resource_id: string;
  readonly action: string;
  readonly subject_type: string | undefined;
}

export interface ResourceSearch {
  readonly subject_type: string;
  readonly subject_id: string;
  readonly action: string;
  readonly resource_type: string | undefined;
}

export interface ActionSearch {
  readonly resource_type: string;
  readonly resource_id: string;
  readonly subject_type: string;
  readonly subject_id: string;
}

/** At most `limit`, by type and id, from after `after`. */
export function searchSubjects(
  model: Model,
  table: RelationshipTable,
  { resource_type, resource_id, action, subject_type: wanted }: SubjectSearch,
  after: Place | undefined,
  limit: number,
): Found[] {
  const relationsOfType = new Map<string, string[]>();
  for (const relation of model.relations(resource_type, action) ?? []) {
    for (const type of model.subjectTypes(resource_type, relation) ?? []) {
      if (wanted !== undefined && type !== wanted) continue;
      relationsOfType.set(type, [...(relationsOfType.get(type) ?? []), relation]);
    }
  }
  return searchTypes(relationsOfType, after, limit, (subject_type, relation, subject_id, most) =>
    table.subjects({ resource_type, resource_id, relation, subject_type, subject_id }, most),
  );
}

/** At most `limit`, by type and id, from after `after`. */
export function searchResources(
  model: Model,
  table: RelationshipTable,
  { subject_type, subject_id, action, resource_type: wanted }: ResourceSearch,
  after: Place | undefined,
  limit: number,
): Found[] {
  const relationsOfType = new Map<string, string[]>();
  for (const type of wanted === undefined ? model.resourceTypes : [wanted]) {
    const relations = model.relations(type, action) ?? [];
    relationsOfType.set(
      type,
      relations.filter((relation) => model.admits(type, relation, subject_type)),
    );
  }
  return searchTypes(relationsOfType, after, limit, (resource_type, relation, resource_id, most) =>
    table.resources({ resource_type, resource_id, relation, subject_type, subject_id }, most),
  );
}

/** At most `limit` names of actions, in order, from after `after`. */
export function searchActions(
  model: Model,
  table: RelationshipTable,
  search: ActionSearch,
  after: string | undefined,
  limit: number,
): string[] {
  const { resource_type, subject_type } = search;
  const held = new Set(
    table.relationsBetween(search).filter((relation) => model.admits(resource_type, relation, subject_type)),
  );
  const allowed: string[] = [];
  for (const action of model.actions(resource_type)) {
    if (allowed.length === limit) break;
    if (after !== undefined && action <= after) continue;
    if (model.relations(resource_type, action)?.some((relation) => held.has(relation))) allowed.push(action);
  }
  return allowed;
}

type Lookup = (type: string, relation: string, afterId: string, limit: number) => readonly FoundRow[];

/** Type by type; of one type, the entities found by any relation, each once. */
function searchTypes(
  relationsOfType: ReadonlyMap<string, readonly string[]>,
  after: Place | undefined,
  limit: number,
  lookup: Lookup,
): Found[] {
  const found: Found[] = [];
  for (const [type, relations] of [...relationsOfType].sort(([a], [b]) => compareText(a, b))) {
    if (after !== undefined && compareText(type, after.type) < 0) continue;
    const room = limit - found.length;
    if (room <= 0) break;
    // Ids are never empty, so the empty one comes before all.
    const afterId = type === after?.type ? after.id : "";
    const rows = new Map<string, FoundRow>();
    for (const relation of relations) {
      for (const row of lookup(type, relation, afterId, room)) if (!rows.has(row.id)) rows.set(row.id, row);
    }
    const inOrder = [...rows.values()].sort((a, b) => compareText(a.id, b.id));
    found.push(...inOrder.slice(0, room).map((row) => ({ type, ...row })));
  }
  return found;
}
