// The little of HashiCorp Vault's HTTP API that is needed (KV version 2): records as JSON, by path.
import { Code, ConnectError, type ProviderRequest } from "gestalt-edge";
import * as z from "zod";

export interface VaultConfig {
  readonly address: string;
  readonly mount: string;
}

const read = z.object({ data: z.object({ data: z.unknown() }) });
const list = z.object({ data: z.object({ keys: z.array(z.string()) }) });

/** Below this the worker's records lie. */
const FOLDER = "gestalt-credentials";

/** Paths hold nothing but hexadecimal digits and slashes. */
export function vaultOf({ config, bindings, signal }: ProviderRequest<VaultConfig, never>) {
  const token = bindings.VAULT_TOKEN;
  if (typeof token !== "string") throw new ConnectError("The worker has no VAULT_TOKEN.", Code.FailedPrecondition);
  const ask = async (method: string, kind: "data" | "metadata", path: string, body?: object) => {
    const response = await fetch(`${config.address}/v1/${config.mount}/${kind}/${FOLDER}/${path}`, {
      method,
      headers: { "x-vault-token": token },
      signal,
      ...(body && { body: JSON.stringify(body) }),
    });
    if (response.status === 404) return undefined;
    // Not what the vault says: a text of somebody else's may hold anything.
    if (!response.ok) throw new ConnectError(`The vault answered ${response.status}.`, Code.Unavailable);
    return response.status === 204 ? {} : response.json();
  };
  return {
    /** Undefined when there is nothing at the path. */
    async read(path: string): Promise<unknown> {
      const answer = await ask("GET", "data", path);
      return answer && read.parse(answer).data.data;
    },
    async write(path: string, data: object): Promise<void> {
      await ask("POST", "data", path, { data });
    },
    /** With all its versions. */
    async remove(path: string): Promise<void> {
      await ask("DELETE", "metadata", path);
    },
    /** Names in a folder. */
    async list(path: string): Promise<readonly string[]> {
      const answer = await ask("GET", "metadata", `${path}?list=true`);
      return answer === undefined ? [] : list.parse(answer).data.keys;
    },
  };
}
