// Authorization models: what must hold of one before a provider sees it.
import type { AuthorizationModel as Wire } from "../../gen/gestalt/provider/v1/authorization_pb.ts";
import type { AuthorizationModel, AuthorizationResourceType } from "../host/authorization/objects.ts";
import { checkName, count, invalid, sizeOf } from "./checks.ts";
import { MAX_MODEL_BYTES } from "./limits.ts";

/** The one version of the model's format there is; a model that does not say has it. */
const FORMAT = 1;

/** Throws INVALID_ARGUMENT for another format, names that are missing or come twice, and relations that do not exist. */
export function modelFrom(model: Wire | undefined): AuthorizationModel {
  if (model === undefined) throw invalid("The model is missing.");
  const { version } = model;
  if (version !== 0 && version !== FORMAT) {
    throw invalid(`The model's format is version ${version}; this provider knows version ${FORMAT}.`);
  }
  const resourceTypes = model.resourceTypes.map(resourceTypeFrom);
  checkDistinct(resourceTypes, "The model", "resource type");
  const checked = { version: FORMAT, resourceTypes };
  const bytes = sizeOf(JSON.stringify(checked));
  if (bytes > MAX_MODEL_BYTES) {
    throw invalid(`The model has ${count(bytes)} bytes as JSON; the limit is ${count(MAX_MODEL_BYTES)}.`);
  }
  return checked;
}

function resourceTypeFrom({ name, relations, actions }: Wire["resourceTypes"][number]): AuthorizationResourceType {
  checkName(name, "name of a resource type");
  const where = `Resource type ${JSON.stringify(name)}`;
  for (const relation of relations) {
    checkName(relation.name, `name of a relation of resource type ${JSON.stringify(name)}`);
    for (const type of relation.subjectTypes)
      checkName(type, `subject type of relation ${JSON.stringify(relation.name)}`);
  }
  checkDistinct(relations, where, "relation");
  const known = new Set(relations.map((relation) => relation.name));
  for (const action of actions) {
    checkName(action.name, `name of an action on resource type ${JSON.stringify(name)}`);
    const unknown = action.relations.find((relation) => !known.has(relation));
    if (unknown === undefined) continue;
    throw invalid(
      `${where} has no relation ${JSON.stringify(unknown)}, which its action ${JSON.stringify(action.name)} names.`,
    );
  }
  checkDistinct(actions, where, "action");
  return {
    name,
    relations: relations.map((relation) => ({
      name: relation.name,
      subjectTypes: [...new Set(relation.subjectTypes)],
    })),
    actions: actions.map((action) => ({ name: action.name, relations: [...new Set(action.relations)] })),
  };
}

function checkDistinct(things: readonly { readonly name: string }[], where: string, what: string): void {
  const names = new Set<string>();
  for (const { name } of things) {
    if (names.has(name)) throw invalid(`${where} has the ${what} ${JSON.stringify(name)} twice.`);
    names.add(name);
  }
}
