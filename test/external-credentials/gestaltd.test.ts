// A real gestaltd keeps what its users connect with in the credential store, and gives its plugins the tokens.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { stringify } from "yaml";
import { nodeEnded, until } from "../support/bridge-process.ts";
import { bridge, stateOf, worker } from "../support/gestaltd/examples.ts";
import { type Gestaltd, type GestaltdConfig, skipGestaltd, startGestaltd } from "../support/gestaltd/gestaltd.ts";
import { invoke } from "../support/gestaltd/http-api.ts";
import { startTokenEndpoint, type TokenEndpoint } from "./token-endpoint.ts";

interface Told {
  readonly token?: string | undefined;
  readonly instance?: string | undefined;
  readonly status?: number;
  readonly code?: string | undefined;
}

const PROJECT = "test/external-credentials/app";

describe("credentials of a real gestaltd", { skip: skipGestaltd ?? false }, () => {
  let folder = "";
  let endpoint: TokenEndpoint;
  let config: GestaltdConfig;
  let gestaltd: Gestaltd;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gd-"));
    endpoint = await startTokenEndpoint();
    config = await completeConfig(folder, endpoint.url);
    gestaltd = await startGestaltd(folder, config);
  });

  after(async () => {
    await gestaltd?.stop();
    await endpoint?.stop();
    await nodeEnded(stateOf(folder, PROJECT));
    await rm(folder, { recursive: true, force: true });
  });

  const tell = async (plugin: string): Promise<Told> => {
    const { status, body } = await invoke(gestaltd, plugin, "tell", {});
    const { token, code, credential } = body as { token?: string; code?: string; credential?: { instance: string } };
    return status === 200 ? { token, instance: credential?.instance } : { status, code };
  };
  const ask = async (method: string, path: string, body?: unknown) => {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${gestaltd.url}/api/v1${path}`, { method, ...json });
    return (await answer.json()) as { status?: string };
  };

  it("come with connecting, are renewed, and go with disconnecting", async () => {
    assert.deepEqual(await tell("user"), { status: 412, code: "not_connected" });
    endpoint.give({ access_token: "at-1", expires_in: 3600 });
    const entered = { integration: "user", credentials: { api_key: "entered" } };
    assert.deepEqual(await ask("POST", "/auth/connect-manual", entered), { status: "connected", integration: "user" });
    assert.deepEqual(await tell("user"), { token: "at-1", instance: "default" });

    endpoint.give({ access_token: "at-2", expires_in: 1 });
    await ask("POST", "/auth/connect-manual", entered);
    endpoint.give({ access_token: "at-3", expires_in: 3600 });
    await until(async () => (await tell("user")).token === "at-3", "the token is renewed");
    assert.deepEqual(
      endpoint.asked.map(({ form }) => form),
      [{ api_key: "entered" }],
    );
    assert.deepEqual(await ask("DELETE", "/integrations/user"), { status: "disconnected" });
    assert.deepEqual(await tell("user"), { status: 412, code: "not_connected" });
  });

  it("are told apart where there are several, and asked for again where they are refused", async () => {
    endpoint.give({ access_token: "at-1", expires_in: 1 });
    for (const instance of ["work", "home"]) {
      await ask("POST", "/auth/connect-manual", { integration: "user", instance, credentials: { api_key: instance } });
    }
    assert.deepEqual(await tell("user"), { status: 409, code: "instance_selection_required" });
    await ask("DELETE", "/integrations/user?_instance=home");
    endpoint.answer(() => ({ status: 401, body: { error: "invalid_grant" } }));
    await until(async () => (await tell("user")).code === "reconnect_required", "the token is refused");
  });

  it("of the deployment itself are the client's own", async () => {
    endpoint.give({ access_token: "at-platform", expires_in: 3600 });
    assert.deepEqual(await tell("platform"), { token: "at-platform", instance: "" });
    assert.deepEqual(await tell("platform"), { token: "at-platform", instance: "" });
    assert.equal(endpoint.asked.length, 1);
  });

  it("leave nothing secret in gestaltd's log, nor does what gestaltd adds to the config", () => {
    assert.match(gestaltd.log(), /config that the worker has no use for stays here.*encryptionKey/);
    assert.doesNotMatch(gestaltd.log(), /at-\d|at-platform|entered|cs-s3cr3t/);
  });
});

async function completeConfig(folder: string, tokenUrl: string): Promise<GestaltdConfig> {
  const manual = { type: "manual", tokenUrl, credentials: [{ name: "api_key" }] };
  const client = {
    type: "oauth2",
    grantType: "client_credentials",
    tokenUrl,
    clientId: "c",
    clientSecret: "cs-s3cr3t",
  };
  const app = worker(folder, PROJECT);
  const plugin = async (name: string, connection: object, config: object = {}) => ({
    source: { path: await writeManifest(folder, name, connection) },
    runtime: { provider: "edge", template: "teller" },
    ...config,
  });
  return {
    providers: {
      externalCredentials: {
        // Without `config:`, which is when gestaltd adds its own key and the secrets of connections.
        default: {
          source: bridge("external-credentials"),
          env: {
            GESTALT_EDGE_WORKER: JSON.stringify({ ...app, provider: "credentials" }),
            GESTALT_EDGE_CONFIG: JSON.stringify({ store: "of-gestaltd" }),
          },
        },
      },
    },
    runtime: { providers: { edge: { source: bridge("runtime"), config: { workers: { teller: app } } } } },
    connections: { own: { mode: "platform", auth: client } },
    plugins: {
      user: await plugin("user", { mode: "user", auth: manual }),
      platform: await plugin("platform", { mode: "platform" }, { connections: { default: { ref: "own" } } }),
    },
  };
}

/** As `gestalt-edge build` writes it, with a connection. */
async function writeManifest(folder: string, name: string, connection: object): Promise<string> {
  const place = join(folder, "plugins", name);
  await mkdir(place, { recursive: true });
  const manifest = {
    ...{ kind: "plugin", source: `example.com/acme/edge/${name}`, version: "0.0.1" },
    ...{ spec: { connections: { default: connection } }, artifacts: [{ path: "catalog.yaml" }] },
    entrypoint: { artifactPath: "catalog.yaml" },
  };
  await writeFile(join(place, "manifest.yaml"), stringify(manifest));
  await writeFile(join(place, "catalog.yaml"), stringify({ operations: [{ id: "tell", method: "POST" }] }));
  return join(place, "manifest.yaml");
}
