// The provider: four handlers on a vault. Which of a user's credentials a call means, and whether its token is still good, is made of
// those; tokens that have ended lead to connecting again.
import {
  Code,
  ConnectError,
  type CredentialKey,
  type CredentialUpsert,
  defineExternalCredentialProvider,
  type ExternalCredential,
} from "gestalt-edge";
import * as z from "zod";
import { vaultOf } from "./vault.ts";

const config = z.object({
  /** Address of the vault, such as `https://vault.acme.example`. */
  address: z.url(),
  /** Where its key-value store is mounted. */
  mount: z.string().default("secret"),
});

const time = z.coerce.date();

/** A credential as it lies in the vault. */
const record = z.object({
  ...{ id: z.string(), subjectId: z.string(), connectionId: z.string(), instance: z.string() },
  ...{ accessToken: z.string(), refreshToken: z.string(), scopes: z.string(), metadataJson: z.string() },
  ...{ refreshErrorCount: z.number(), createdAt: time, updatedAt: time },
  ...{ expiresAt: time.optional(), lastRefreshedAt: time.optional() },
});

export const credentials = defineExternalCredentialProvider({
  displayName: "Credentials in a vault",
  description: "Credentials for other systems, in a HashiCorp Vault.",
  config,
  // gestaltd offers its databases, but this one has the vault.
  uses: [],

  async upsertCredential({ credential, preserveTimestamps }, request) {
    const vault = vaultOf(request);
    const id = await idOf(credential);
    const before = await vault.read(id);
    const stored = recordOf(credential, id, before === undefined ? undefined : parse(before), preserveTimestamps);
    await vault.write(id, { ...stored });
    return stored;
  },

  async getCredential(key, request) {
    const data = await vaultOf(request).read(await idOf(key));
    return data === undefined ? undefined : parse(data);
  },

  async listCredentials({ subjectId, connectionId, instance }, request) {
    if (subjectId === undefined) throw new ConnectError("Name a subject.", Code.InvalidArgument);
    const vault = vaultOf(request);
    const folder = await digest(subjectId);
    const names = await vault.list(folder);
    const found = await Promise.all(names.map((name) => vault.read(`${folder}/${name}`)));
    return found
      .filter((data) => data !== undefined)
      .map(parse)
      .filter((one) => connectionId === undefined || one.connectionId === connectionId)
      .filter((one) => instance === undefined || one.instance === instance);
  },

  async deleteCredential({ id }, request) {
    // What is no id of ours would lead elsewhere in the vault.
    if (!/^[0-9a-f]{64}\/[0-9a-f]{64}$/.test(id)) return false;
    const vault = vaultOf(request);
    if ((await vault.read(id)) === undefined) return false;
    await vault.remove(id);
    return true;
  },
});

/** Credentials of a subject lie in one folder. The same key always has the same id. */
async function idOf({ subjectId, connectionId, instance }: CredentialKey): Promise<string> {
  return `${await digest(subjectId)}/${await digest(JSON.stringify([connectionId, instance]))}`;
}

function recordOf(
  credential: CredentialUpsert,
  id: string,
  before: ExternalCredential | undefined,
  preserve: boolean,
): ExternalCredential {
  const now = new Date();
  const given = preserve ? credential : undefined;
  const createdAt = given?.createdAt ?? before?.createdAt ?? now;
  return { ...credential, id, createdAt, updatedAt: given?.updatedAt ?? now };
}

function parse(data: unknown): ExternalCredential {
  const { expiresAt, lastRefreshedAt, ...rest } = record.parse(data);
  return { ...rest, expiresAt, lastRefreshedAt };
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
