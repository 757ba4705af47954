// The provider: who is named in its config may do everything, everybody else what model and relationships say.
import { type AuthorizationEvaluation, defineAuthorizationProvider } from "gestalt-edge";
import * as z from "zod";
import { type ActiveModel, storeOf } from "./store.ts";

const config = z.object({
  /** Ids of subjects that may do everything, such as `user:ada`: for the day on which nobody else can. */
  administrators: z.array(z.string()).default([]),
});

export const policies = defineAuthorizationProvider({
  displayName: "Policies in gestaltd's database",
  config,
  uses: ["indexedDB"],

  configure: ({ host }) => storeOf(host.indexedDB()).create(),

  async evaluate(question, { config, host }) {
    const store = storeOf(host.indexedDB());
    return decide(question, config.administrators, await store.active(), store.has);
  },

  // gestaltd asks for all roles of a subject at once. One look at the model serves them all.
  async evaluateMany({ evaluations }, { config, host }) {
    const store = storeOf(host.indexedDB());
    const active = await store.active();
    return Promise.all(evaluations.map((one) => decide(one, config.administrators, active, store.has)));
  },

  readRelationships: (filter, { host }) => storeOf(host.indexedDB()).read(filter),
  writeRelationships: (changes, { host }) => storeOf(host.indexedDB()).change(changes),
  getActiveModel: ({ host }) => storeOf(host.indexedDB()).active(),
  writeModel: ({ model }, { host }) => storeOf(host.indexedDB()).activate(model),
});

async function decide(
  { subject, action, resource }: AuthorizationEvaluation,
  administrators: readonly string[],
  active: ActiveModel | undefined,
  has: ReturnType<typeof storeOf>["has"],
) {
  const modelId = active?.id;
  if (administrators.includes(subject.id)) return { allowed: true, modelId, context: { reason: "administrator" } };
  const type = active?.model.resourceTypes.find(({ name }) => name === resource.type);
  for (const relation of type?.actions.find(({ name }) => name === action.name)?.relations ?? []) {
    if (await has({ subject, relation, resource })) return { allowed: true, modelId, context: { reason: relation } };
  }
  return { allowed: false, modelId };
}
