// An authorization model in force: what it allows whom, and what it is stored as.
import type { AuthorizationModel } from "../../worker/index.ts";

/** Beside its id, which depends on the content alone. */
export interface ModelContent {
  readonly id: string;
  /** JSON of the model, its names in order. */
  readonly content: string;
}

/** The same model has the same content, in whatever order its parts were written: none of them means anything. */
export async function contentOf({ version, resourceTypes }: AuthorizationModel): Promise<ModelContent> {
  const ordered: AuthorizationModel = {
    version,
    resourceTypes: inOrder(resourceTypes).map(({ name, relations, actions }) => ({
      name,
      relations: inOrder(relations).map((relation) => ({
        name: relation.name,
        subjectTypes: relation.subjectTypes.toSorted(),
      })),
      actions: inOrder(actions).map((action) => ({ name: action.name, relations: action.relations.toSorted() })),
    })),
  };
  const content = JSON.stringify(ordered);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content)));
  return { id: `model-${Array.from(digest, hex).join("")}`, content };
}

/** A model to be asked. In maps, because every name in it is somebody else's. */
export class Model {
  readonly id: string;
  readonly #types: ReadonlyMap<string, ResourceType>;

  constructor({ id, content }: ModelContent) {
    this.id = id;
    const { resourceTypes } = JSON.parse(content) as AuthorizationModel;
    this.#types = new Map(
      resourceTypes.map(({ name, relations, actions }) => [
        name,
        {
          relations: new Map(relations.map((relation) => [relation.name, new Set(relation.subjectTypes)])),
          actions: new Map(actions.map((action) => [action.name, action.relations])),
        },
      ]),
    );
  }

  /** In order. */
  get resourceTypes(): Iterable<string> {
    return this.#types.keys();
  }

  hasResourceType(name: string): boolean {
    return this.#types.has(name);
  }

  /** Actions on resources of a type, in order. */
  actions(resourceType: string): Iterable<string> {
    return this.#types.get(resourceType)?.actions.keys() ?? [];
  }

  /** Each of these relations allows the action; undefined when there is no such action. */
  relations(resourceType: string, action: string): readonly string[] | undefined {
    return this.#types.get(resourceType)?.actions.get(action);
  }

  /** Types of subjects that can have a relation to a resource of this type; undefined when there is no such relation. */
  subjectTypes(resourceType: string, relation: string): ReadonlySet<string> | undefined {
    return this.#types.get(resourceType)?.relations.get(relation);
  }

  /** Whether such a subject can stand in the relation to such a resource. */
  admits(resourceType: string, relation: string, subjectType: string): boolean {
    return this.subjectTypes(resourceType, relation)?.has(subjectType) ?? false;
  }
}

interface ResourceType {
  readonly relations: ReadonlyMap<string, ReadonlySet<string>>;
  readonly actions: ReadonlyMap<string, readonly string[]>;
}

function inOrder<Named extends { readonly name: string }>(things: readonly Named[]): Named[] {
  return things.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
