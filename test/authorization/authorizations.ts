// Starts the worker under test and gives AuthorizationProvider clients, with short ways to say what tests say often.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { AuthorizationProvider, type Relationship } from "../../src/gen/gestalt/provider/v1/authorization_pb.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

export type AuthorizationClient = Client<typeof AuthorizationProvider>;

export interface Authorizations {
  readonly worker: TestWorker;
  /** A client in a session of its own; each store is a world of its own. */
  client(provider: "store" | "policy" | "careless", config?: JsonObject): AuthorizationClient;
  control<Answer = unknown>(name: string, body?: unknown): Promise<Answer>;
  /** Posts one call as JSON, for what a typed client cannot send. */
  postJson(method: string, body: string, config?: JsonObject): Promise<Response>;
  stop(): Promise<void>;
}

/** Since it was last asked for. */
export interface Measured {
  /** Rows that SQLite read and wrote. */
  readonly read: number;
  readonly written: number;
  /** Calls of Durable Objects, by method. */
  readonly calls: readonly string[];
  readonly pauses: readonly number[];
}

export async function startAuthorizations(onLog?: (line: string) => void): Promise<Authorizations> {
  const worker = await startWorker({
    entry: new URL("./authorization.worker.ts", import.meta.url),
    durableObjects: {
      AUTHORIZATION_OBJECT: { className: "MeasuredAuthorizationObject", useSQLite: true },
      SCHEMA_OBJECT: { className: "SchemaObject", useSQLite: true },
    },
    ...(onLog && { onLog }),
  });
  let sessions = 0;
  return {
    worker,
    client: (provider, config = {}) =>
      worker.client(AuthorizationProvider, { provider, config, sid: `session-${sessions++}` }),
    async control<Answer>(name: string, body: unknown = null) {
      const response = await worker.fetch(`/test/${name}`, { method: "POST", body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`/test/${name}: ${await response.text()}`);
      return (await response.json()) as Answer;
    },
    postJson: async (method, body, config = {}) =>
      worker.fetch(`/${AuthorizationProvider.typeName}/${method}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${await worker.token({ provider: "store", config })}`,
        },
        body,
      }),
    stop: () => worker.dispose(),
  };
}

/** Documents with viewers and editors; editors may view as well. */
export const DOCUMENTS = {
  version: 1,
  resourceTypes: [
    {
      name: "doc",
      relations: [
        { name: "viewer", subjectTypes: ["user", "group"] },
        { name: "editor", subjectTypes: ["user"] },
      ],
      actions: [
        { name: "view", relations: ["viewer", "editor"] },
        { name: "edit", relations: ["editor"] },
      ],
    },
  ],
};

/** `user:ada` */
export function entity(text: string): { type: string; id: string } {
  const [type = "", ...id] = text.split(":");
  return { type, id: id.join(":") };
}

/** `user:ada viewer doc:1` */
export function relationship(text: string) {
  const [subject = "", relation = "", resource = ""] = text.split(" ");
  return { subject: entity(subject), relation, resource: entity(resource) };
}

/** `user:ada view doc:1` */
export function question(text: string) {
  const { subject, relation, resource } = relationship(text);
  return { subject, action: { name: relation }, resource };
}

export function asText({
  subject,
  relation,
  resource,
}: Pick<Relationship, "subject" | "relation" | "resource">): string {
  return `${subject?.type}:${subject?.id} ${relation} ${resource?.type}:${resource?.id}`;
}

/** All pages of a listing, entry by entry. */
export async function allPages<Page extends { nextPageToken: string }, Entry>(
  turn: (pageToken: string) => Promise<Page>,
  entries: (page: Page) => readonly Entry[],
): Promise<Entry[][]> {
  const pages: Entry[][] = [];
  let pageToken = "";
  do {
    const page = await turn(pageToken);
    pages.push([...entries(page)]);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return pages;
}
