// The Durable Object that holds models and relationships: what a worker calls. Each call sees and changes one state, whole.
import { DurableObject } from "cloudflare:workers";
import { upgradeSchema } from "../sqlite-schema.ts";
import { decide, type Question, type Verdict } from "./decisions.ts";
import type { ModelContent } from "./model.ts";
import { type ModelRow, ModelTable } from "./model-table.ts";
import { type Page, pageOf } from "./pages.ts";
import type { Filter } from "./read-query.ts";
import type { RelationshipKeyRow, RelationshipRow } from "./relationship-row.ts";
import { RelationshipTable } from "./relationship-table.ts";
import { SCHEMA } from "./schema.ts";
import {
  type ActionSearch,
  type Found,
  type Place,
  type ResourceSearch,
  type SubjectSearch,
  searchActions,
  searchResources,
  searchSubjects,
} from "./searches.ts";

/** With the id of the model in force, or that was asked for; empty when there is none. */
export interface ModelledPage<Entry> extends Page<Entry> {
  readonly modelId: string;
}

export interface RelationshipChanges {
  readonly writes: readonly RelationshipRow[];
  readonly deletes: readonly RelationshipKeyRow[];
  /** The model in force when undefined. */
  readonly modelId: string | undefined;
}

/** Why nothing was done, or that all was. */
export type WriteOutcome =
  | { readonly state: "done" }
  | { readonly state: "no model" }
  | { readonly state: "unknown model" }
  /** The model does not admit the relationship that stands at `index` of the writes. */
  | { readonly state: "not admitted"; readonly index: number; readonly modelId: string };

/** Export it from the worker's main module and name it in `wrangler.toml`; docs/authorization.md has the lines. */
export class AuthorizationObject extends DurableObject<unknown> {
  readonly #models: ModelTable;
  readonly #relationships: RelationshipTable;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    upgradeSchema(ctx.storage, SCHEMA);
    const sql = this.sql();
    this.#models = new ModelTable(sql);
    this.#relationships = new RelationshipTable(sql);
  }

  /** A verdict for each question, in order, all by one model. */
  evaluate(questions: readonly Question[]): { readonly modelId: string; readonly verdicts: readonly Verdict[] } {
    const model = this.#models.active();
    const verdicts = questions.map((question) => decide(model, this.#relationships, question));
    return { modelId: model?.id ?? "", verdicts };
  }

  searchSubjects(search: SubjectSearch, after: Place | undefined, limit: number): ModelledPage<Found> {
    const model = this.#models.active();
    const found = model && searchSubjects(model, this.#relationships, search, after, limit + 1);
    return { modelId: model?.id ?? "", ...pageOf(found ?? [], limit) };
  }

  searchResources(search: ResourceSearch, after: Place | undefined, limit: number): ModelledPage<Found> {
    const model = this.#models.active();
    const found = model && searchResources(model, this.#relationships, search, after, limit + 1);
    return { modelId: model?.id ?? "", ...pageOf(found ?? [], limit) };
  }

  searchActions(
    search: ActionSearch,
    after: string | undefined,
    limit: number,
  ): ModelledPage<{ readonly name: string }> {
    const model = this.#models.active();
    const found = model && searchActions(model, this.#relationships, search, after, limit + 1);
    return {
      modelId: model?.id ?? "",
      ...pageOf(
        (found ?? []).map((name) => ({ name })),
        limit,
      ),
    };
  }

  /** Undefined when there is no model `modelId`. Relationships belong to no model: the same ones are there for each. */
  readRelationships(
    filter: Filter,
    modelId: string | undefined,
    after: RelationshipKeyRow | undefined,
    limit: number,
  ): ModelledPage<RelationshipRow> | undefined {
    const model = modelId === undefined ? this.#models.active() : this.#models.find(modelId);
    if (model === undefined && modelId !== undefined) return undefined;
    return { modelId: model?.id ?? "", ...pageOf(this.#relationships.read(filter, after, limit + 1), limit) };
  }

  /** Everything is checked before anything is written, and what is written, is written together. */
  writeRelationships({ writes, deletes, modelId }: RelationshipChanges): WriteOutcome {
    const model = modelId === undefined ? this.#models.active() : this.#models.find(modelId);
    if (model === undefined) {
      if (modelId !== undefined) return { state: "unknown model" };
      if (writes.length > 0) return { state: "no model" };
    }
    const index = writes.findIndex(
      ({ resource_type, relation, subject_type }) => !model?.admits(resource_type, relation, subject_type),
    );
    if (index >= 0) return { state: "not admitted", index, modelId: model?.id ?? "" };
    this.ctx.storage.transactionSync(() => {
      for (const key of deletes) this.#relationships.remove(key);
      for (const row of writes) this.#relationships.write(row);
    });
    return { state: "done" };
  }

  activeModel(): ModelRow | undefined {
    return this.#models.activeRow();
  }

  listModels(before: number | undefined, limit: number): Page<ModelRow> {
    return pageOf(this.#models.list(before, limit + 1), limit);
  }

  /** Puts the model in force; one that was there before keeps its number and time. */
  writeModel(model: ModelContent): ModelRow | undefined {
    this.ctx.storage.transactionSync(() => this.#models.write(model, Date.now()));
    return this.#models.activeRow();
  }

  /** What the tables are read through; tests count the rows. */
  protected sql(): SqlStorage {
    return this.ctx.storage.sql;
  }
}
