// The `worker` key of a provider's config: which worker serves it, embedded on this machine or deployed.
import * as z from "zod";

const name = z.string().min(1, "must not be empty");

/** Where a secret value comes from. gestaltd turns `{secret: …}` references into plain strings before the bridge sees them. */
const secretSchema = z.union(
  [name, z.strictObject({ value: name }), z.strictObject({ file: name }), z.strictObject({ env: name })],
  { error: "must be a string or one of {value: …}, {file: …}, {env: …}" },
);

export type SecretConfig = z.infer<typeof secretSchema>;

const shape = {
  project: name
    .describe("Folder of the worker's project (with its wrangler file), run in an embedded workerd on this machine.")
    .optional(),
  state: name
    .describe("Folder the embedded worker's data lives in; default .gestalt-edge/state in the project.")
    .optional(),
  url: z
    .url({ protocol: /^https?$/, error: "must be a URL such as https://my-worker.example.workers.dev" })
    .describe("Address of a deployed worker.")
    .optional(),
  key: secretSchema
    .describe("The bridge's private Ed25519 key (PKCS8 PEM or JWK), made by `gestalt-edge keygen`.")
    .optional(),
  name: name.describe("Name of the deployed worker; default the first label of the url's host.").optional(),
  access: z
    .strictObject({ clientId: name, clientSecret: secretSchema })
    .describe("Cloudflare Access service token.")
    .optional(),
  ca: z
    .strictObject({ file: name })
    .describe("PEM file of a certificate authority to trust beside the usual ones.")
    .optional(),
  provider: name.describe("Name of the provider in the worker's serve({ … }).").optional(),
} as const;

const EMBEDDED_ONLY = ["state"] as const;
const DEPLOYED_ONLY = ["key", "name", "access", "ca"] as const;

/**
 * One flat object: the JSON Schema made of it gives short messages in gestaltd, and what JSON Schema says badly ("oneOf
 * failed, none matched") is refused here. {@link toWorkerConfig} makes the two cases of it.
 */
export const workerSchema = z
  .strictObject(shape)
  .superRefine((worker, context) => {
    const fault = (message: string, path: string[] = []) => context.addIssue({ code: "custom", message, path });
    if ((worker.project === undefined) === (worker.url === undefined)) {
      fault("needs either project (a folder, for an embedded worker) or url (of a deployed one)");
      return;
    }
    const foreign = worker.project === undefined ? EMBEDDED_ONLY : DEPLOYED_ONLY;
    const other = worker.project === undefined ? "project" : "url";
    for (const key of foreign) if (worker[key] !== undefined) fault(`goes only with ${other}`, [key]);
    if (worker.url !== undefined && worker.key === undefined) {
      fault("is missing; a deployed worker needs the private key that `gestalt-edge keygen` makes", ["key"]);
    }
  })
  .transform(toWorkerConfig);

export interface EmbeddedWorkerConfig {
  readonly type: "embedded";
  readonly project: string;
  readonly state: string | undefined;
  readonly provider: string | undefined;
}

export interface DeployedWorkerConfig {
  readonly type: "deployed";
  readonly url: string;
  readonly key: SecretConfig;
  readonly name: string;
  readonly access: { readonly clientId: string; readonly clientSecret: SecretConfig } | undefined;
  readonly ca: { readonly file: string } | undefined;
  readonly provider: string | undefined;
}

export type WorkerConfig = EmbeddedWorkerConfig | DeployedWorkerConfig;

type FlatWorkerConfig = z.infer<z.ZodObject<typeof shape>>;

function toWorkerConfig(worker: FlatWorkerConfig): WorkerConfig {
  const { project, url, key, provider } = worker;
  if (url === undefined || key === undefined) {
    return { type: "embedded", project: project ?? "", state: worker.state, provider };
  }
  const [label = ""] = new URL(url).hostname.split(".");
  return { type: "deployed", url, key, name: worker.name ?? label, access: worker.access, ca: worker.ca, provider };
}
