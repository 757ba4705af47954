// What gestaltd does with an authorization provider (reference §4.6): model and relationships brought in line with its config at
// start and every 5 seconds after, then questions role by role, whose answers must come from the model it wrote last.
import type { Relationship } from "../../src/gen/gestalt/provider/v1/authorization_pb.ts";
import { type AuthorizationClient, asText, relationship } from "./authorizations.ts";

/** Roles by subject id, by policy. */
export type Policies = Readonly<Record<string, Readonly<Record<string, string>>>>;

const PAGE_SIZE = 500;

export class GestaltdAuthorizer {
  readonly #client: AuthorizationClient;
  readonly #policies: Policies;
  #modelId = "";

  constructor(client: AuthorizationClient, policies: Policies) {
    this.#client = client;
    this.#policies = policies;
  }

  /** Answers what it had to write. `newRole` of the plugin is about to be given to somebody for the first time. */
  async reload(newRole?: string): Promise<{ modelId: string; writes: string[]; deletes: string[] }> {
    const source = this.#modelId || ((await this.#client.getActiveModel({})).model?.id ?? "");
    let existing = source === "" ? [] : await this.#readAll(source);
    const dynamic = existing.filter((text) => text.includes(" plugin_dynamic:"));
    const rolesOf = (texts: readonly string[]) => [...new Set(texts.map((text) => text.split(" ")[1] ?? ""))].sort();
    const statics = Object.entries(this.#policies).flatMap(([policy, members]) =>
      Object.entries(members).map(([id, role]) => `subject:${id} ${role} policy_static:${policy}`),
    );
    const model = modelOf(rolesOf(statics), rolesOf([...dynamic, ...(newRole ? [`x ${newRole} x`] : [])]));
    const { id } = await this.#client.writeModel({ model });
    if (id !== source) existing = await this.#readAll(id);
    const desired = [...statics, ...dynamic];
    const writes = desired.filter((text) => !existing.includes(text)).sort();
    const deletes = existing.filter((text) => !desired.includes(text)).sort();
    if (writes.length > 0 || deletes.length > 0) {
      const changes = { writes: writes.map(relationship), deletes: deletes.map(relationship) };
      await this.#client.writeRelationships({ ...changes, modelId: id });
    }
    this.#modelId = id;
    return { modelId: id, writes, deletes };
  }

  /** Gives somebody a role on a plugin, as an administrator does. */
  async grant(subject: string, role: string, plugin: string): Promise<void> {
    const { modelId } = await this.reload(role);
    const write = relationship(`subject:${subject} ${role} plugin_dynamic:${plugin}`);
    await this.#client.writeRelationships({ writes: [write], modelId });
  }

  /** The first of the roles that the subject has. Throws as gestaltd does when another model decided. */
  async roleOf(subject: string, resource: string, roles: readonly string[]): Promise<string | undefined> {
    const { subject: who, resource: what } = relationship(`subject:${subject} x ${resource}`);
    const requests = roles.map((name) => ({ subject: who, action: { name }, resource: what }));
    const { decisions } = await this.#client.evaluateMany({ requests });
    for (const [index, { allowed, modelId }] of decisions.entries()) {
      if (modelId !== "" && modelId !== this.#modelId) throw new Error("authorization provider active model changed");
      if (allowed) return roles[index];
    }
    return undefined;
  }

  async #readAll(modelId: string): Promise<string[]> {
    const all: Relationship[] = [];
    let pageToken = "";
    do {
      const page = await this.#client.readRelationships({ pageSize: PAGE_SIZE, pageToken, modelId });
      all.push(...page.relationships);
      pageToken = page.nextPageToken.trim();
    } while (pageToken !== "");
    return all.map(asText);
  }
}

function modelOf(staticRoles: readonly string[], dynamicRoles: readonly string[]) {
  const type = (name: string, roles: readonly string[]) => ({
    name,
    relations: roles.map((role) => ({ name: role, subjectTypes: ["subject"] })),
    actions: roles.map((role) => ({ name: role, relations: [role] })),
  });
  const all = [type("plugin_dynamic", dynamicRoles), type("policy_static", staticRoles)];
  return { version: 1, resourceTypes: all.filter(({ relations }) => relations.length > 0) };
}
