// Decides by model and relationships whether a subject may do an action on a resource.
import type { Model } from "./model.ts";
import type { RelationshipTable } from "./relationship-table.ts";

/** A question, as it crosses to the object. */
export interface Question {
  readonly resource_type: string;
  readonly resource_id: string;
  readonly action: string;
  readonly subject_type: string;
  readonly subject_id: string;
}

/** All but the first mean no. */
export type Verdict = "allowed" | "no relationship" | "no such action" | "no such resource type" | "no model";

/**
 * Allowed if the subject stands in one of the action's relations to the resource, and the model lets subjects of its type stand in it:
 * relationships outlive the models they were written for, and must not mean more than the one in force says.
 */
export function decide(model: Model | undefined, relationships: RelationshipTable, question: Question): Verdict {
  const { resource_type, resource_id, action, subject_type, subject_id } = question;
  if (model === undefined) return "no model";
  const relations = model.relations(resource_type, action);
  if (relations === undefined) return model.hasResourceType(resource_type) ? "no such action" : "no such resource type";
  const held = relations.some(
    (relation) =>
      model.admits(resource_type, relation, subject_type) &&
      relationships.has({ resource_type, resource_id, relation, subject_type, subject_id }),
  );
  return held ? "allowed" : "no relationship";
}
