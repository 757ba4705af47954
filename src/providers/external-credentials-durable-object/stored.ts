// A credential between the object and the worker: as an author's, but with instants as texts, because a Timestamp that crosses becomes
// a plain Date.
import type { CredentialKey, CredentialUpsert, ExternalCredential } from "../../worker/index.ts";
import type { CredentialRow } from "./credential-table.ts";
import { instantOf, timeOf } from "./instants.ts";
import type { Content, Place } from "./sealing.ts";

type Times<Given> = {
  readonly expiresAt: string | null;
  readonly lastRefreshedAt: string | null;
  readonly createdAt: string | Given;
  readonly updatedAt: string | Given;
};

export type StoredCredential = Omit<ExternalCredential, keyof Times<never>> & Times<never>;

/** What the worker wants stored. */
export type StoredUpsert = Omit<CredentialUpsert, keyof Times<null>> & Times<null>;

export function storedUpsert(credential: CredentialUpsert): StoredUpsert {
  return {
    ...credential,
    expiresAt: instant(credential.expiresAt),
    lastRefreshedAt: instant(credential.lastRefreshedAt),
    createdAt: instant(credential.createdAt),
    updatedAt: instant(credential.updatedAt),
  };
}

export function storedCredential(row: CredentialRow, content: Content): StoredCredential {
  return {
    ...{ id: row.id, subjectId: row.subject, connectionId: row.connection, instance: row.instance },
    ...content,
    ...{ refreshErrorCount: row.refresh_errors, expiresAt: row.expires_at, lastRefreshedAt: row.last_refreshed_at },
    ...{ createdAt: row.created_at, updatedAt: row.updated_at },
  };
}

export function externalCredential(stored: StoredCredential): ExternalCredential {
  return {
    ...stored,
    expiresAt: time(stored.expiresAt),
    lastRefreshedAt: time(stored.lastRefreshedAt),
    createdAt: timeOf(stored.createdAt),
    updatedAt: timeOf(stored.updatedAt),
  };
}

export function placeOf({ subjectId, connectionId, instance }: CredentialKey): Place {
  return { subject: subjectId, connection: connectionId, instance };
}

function instant(date: Date | undefined): string | null {
  return date === undefined ? null : instantOf(date);
}

function time(instant: string | null): Date | undefined {
  return instant === null ? undefined : timeOf(instant);
}
