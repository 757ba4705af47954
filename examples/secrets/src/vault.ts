// The provider: a secret `database/main#password` is the field `password` of `database/main` in a HashiCorp Vault (KV version 2).
import { Code, ConnectError, defineSecretsProvider } from "gestalt-edge";
import * as z from "zod";

const config = z.object({
  /** Address of the vault, such as `https://vault.acme.example`. */
  address: z.url(),
  /** Where its key-value store is mounted. */
  mount: z.string().default("secret"),
});

/** What the vault answers, as far as it matters here. */
const answer = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()) }) });

export const vault = defineSecretsProvider({
  displayName: "Vault",
  description: "Secrets from a HashiCorp Vault.",
  config,

  async getSecret({ name }, { config, bindings, signal }) {
    const [path = "", field = "value"] = name.split("#");
    const segments = path.split("/");
    // These would lead out of the mount, to all that the token may see.
    if (segments.includes("..") || segments.includes(".")) return undefined;
    const token = bindings.VAULT_TOKEN;
    if (typeof token !== "string") throw new ConnectError("The worker has no VAULT_TOKEN.", Code.FailedPrecondition);
    const response = await fetch(
      `${config.address}/v1/${config.mount}/data/${segments.map(encodeURIComponent).join("/")}`,
      {
        headers: { "x-vault-token": token },
        signal,
      },
    );
    if (response.status === 404) return undefined;
    // Not what the vault says: a text of somebody else's may hold anything.
    if (!response.ok) throw new ConnectError(`The vault answered ${response.status}.`, Code.Unavailable);
    const { data } = answer.parse(await response.json());
    const value = data.data[field];
    return typeof value === "string" ? value : undefined;
  },
});
