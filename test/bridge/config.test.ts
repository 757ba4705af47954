// What the bridge says about config, and how it splits a plugin's environment.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { givenConfig, operatorConfig } from "../../src/bridge/config/given-config.ts";
import { parseProviderConfig } from "../../src/bridge/config/provider-config.ts";
import { parseRuntimeConfig } from "../../src/bridge/config/runtime-config.ts";
import { createSecrets } from "../../src/bridge/log.ts";
import { imageMetadata, parseReference } from "../../src/bridge/runtime/image.ts";
import { splitEnvironment } from "../../src/bridge/runtime/plugin-environment.ts";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { PACKAGE_VERSION } from "../../src/wire/version.ts";
import { makeCertificate } from "../support/fake-gestaltd/certificate.ts";

const url = "https://billing.acme.workers.dev";

describe("config", () => {
  it("splits the bridge's key from the provider's own", () => {
    const { worker, own } = parseProviderConfig(
      { worker: { project: "./app", provider: "kv" }, table: "t", n: 1 },
      "edge",
    );
    assert.deepEqual(worker, { type: "embedded", project: "./app", state: undefined, provider: "kv" });
    assert.deepEqual(own, { table: "t", n: 1 });
    const deployed = parseProviderConfig({ worker: { url, key: { file: "k" } } }, "edge").worker;
    assert.equal(deployed.type === "deployed" && deployed.name, "billing", "the audience is the host's first label");
  });

  const faults: [string, JsonObject, RegExp][] = [
    ["nothing", {}, /config of "edge": worker: is missing; .* GESTALT_EDGE_WORKER under env$/],
    ["an empty worker", { worker: {} }, /worker: needs either project .* or url/],
    ["both", { worker: { project: "p", url, key: "k" } }, /worker: needs either project/],
    ["a wrong type", { worker: { project: 7 } }, /worker\.project: expected string, received number/],
    ["an unknown key", { worker: { project: "p", colour: "red" } }, /worker: unknown key "colour"/],
    ["a key that goes with the other", { worker: { project: "p", key: "k" } }, /worker\.key: goes only with url/],
    ["no private key", { worker: { url } }, /worker\.key: is missing.*gestalt-edge keygen/],
    ["no http", { worker: { url: "ftp://x", key: "k" } }, /worker\.url: must be a URL such as/],
    ["an odd key", { worker: { url, key: { secret: 1 } } }, /worker\.key: must be a string or one of/],
  ];
  for (const [what, config, message] of faults) {
    it(`refuses ${what}`, () => assert.throws(() => parseProviderConfig(config, "edge"), message));
  }

  it("refuses a runtime without workers, and names the worker at fault", () => {
    assert.throws(() => parseRuntimeConfig({}, "edge"), /workers: is missing/);
    assert.throws(() => parseRuntimeConfig({ workers: {} }, "edge"), /workers: needs at least one/);
    assert.throws(() => parseRuntimeConfig({ workers: { a: {} } }, "edge"), /workers\.a: needs either project/);
  });

  it("takes gestaltd's own description of a provider for no config", () => {
    const wrapper = { name: "cache", command: "/x", manifestPath: "/y", env: { TOKEN: "secret" } };
    assert.deepEqual(operatorConfig(wrapper), {});
    assert.deepEqual(operatorConfig(undefined), {});
    assert.deepEqual(operatorConfig({ command: "mine" }), { command: "mine" });
  });

  it("takes from it what gestaltd has added, and nothing else", () => {
    const wrapper = {
      name: "indexeddb",
      source: "s",
      command: "/x",
      args: ["a"],
      manifestPath: "/y",
      env: { T: "secret" },
    };
    const own = { table: "hello", encryptionKey: "00ff", resolvedConnections: [{ name: "a" }] };
    assert.deepEqual(operatorConfig({ ...wrapper, ...own, other: 1 }), own);
    const env = { GESTALT_EDGE_WORKER: '{"project": "./app"}', GESTALT_EDGE_CONFIG: '{"name": "main", "table": "t"}' };
    const worker = { project: "./app" };
    assert.deepEqual(givenConfig({ ...wrapper, table: "hello" }, env), { name: "main", table: "hello", worker });
    assert.deepEqual(givenConfig(undefined, env), { name: "main", table: "t", worker });
    assert.deepEqual(givenConfig({ a: 1 }, env), { a: 1, worker }, "a config counts alone, but for the worker");
    assert.deepEqual(givenConfig({ worker: { url } }, env), { worker: { url } });
    assert.deepEqual(givenConfig(wrapper, {}), {});
    for (const text of ["{", "[]", "null", '"secret"']) {
      const fault = /^BridgeError: the environment variable GESTALT_EDGE_WORKER must hold a JSON object$/;
      assert.throws(() => givenConfig(undefined, { GESTALT_EDGE_WORKER: text }), fault);
    }
  });

  it("knows its version", () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
    assert.equal(PACKAGE_VERSION, version);
  });
});

describe("a plugin's environment", () => {
  it("keeps addresses, tokens and proxies from the worker", () => {
    const secrets = createSecrets();
    const { authority } = makeCertificate();
    const { variables, hosts } = splitEnvironment(
      {
        REGION: "eu",
        GESTALT_RUNTIME_SESSION_ID: "s1",
        GESTALT_CACHE_SOCKET: "tls://host:443",
        GESTALT_CACHE_SOCKET_TOKEN: "token-of-cache",
        GESTALT_CACHE_SOCKET_MAIN: "tls://host:443",
        GESTALT_CACHE_SOCKET_MAIN_TOKEN: "token-of-main",
        GESTALT_WORKFLOW_MANAGER_SOCKET: "tcp://host:80",
        GESTALT_WORKFLOW_MANAGER_SOCKET_TOKEN: "token-of-workflow",
        GESTALT_HOST_SERVICE_TLS_CA_PEM: authority,
        HTTPS_PROXY: "http://gestalt-egress-proxy:jwt@host",
      },
      secrets,
    );
    assert.deepEqual(variables, { REGION: "eu", GESTALT_RUNTIME_SESSION_ID: "s1" });
    assert.deepEqual([...hosts.keys()], ["CACHE", "CACHE_MAIN", "WORKFLOW_MANAGER"]);
    const main = hosts.get("CACHE_MAIN");
    assert.deepEqual(main?.address, { kind: "tls", host: "host", port: 443, authority });
    assert.equal(main?.token?.headerValue(), "token-of-main");
    assert.equal(secrets.redact("x token-of-workflow y"), "x [redacted] y");
  });

  it("names the variable that is malformed, and not its value", () => {
    const split = (env: Record<string, string>) => () => splitEnvironment(env, createSecrets());
    assert.throws(
      split({ GESTALT_CACHE_SOCKET_MAIN: "secret" }),
      /^BridgeError: the address in GESTALT_CACHE_SOCKET_MAIN is/,
    );
    const tls = { GESTALT_S3_SOCKET: "tls://host:443", GESTALT_S3_SOCKET_TOKEN: "token" };
    assert.throws(
      split({ ...tls, GESTALT_HOST_SERVICE_TLS_CA_PEM: "PEM" }),
      /^BridgeError: GESTALT_HOST_SERVICE_TLS_CA_PEM holds/,
    );
  });
});

describe("an image reference", () => {
  const digest = `sha256:${"0a".repeat(32)}`;

  it("is the template, else the image, else the plugin, with a digest if given", () => {
    assert.deepEqual(parseReference("t", "i", "p"), { worker: "t", digest: undefined });
    assert.deepEqual(parseReference("", `i@${digest}`, "p"), { worker: "i", digest });
    assert.deepEqual(parseReference("t", `i@${digest}`, "p"), { worker: "t", digest });
    assert.deepEqual(parseReference("", "", "p"), { worker: "p", digest: undefined });
    assert.equal(parseReference("t@sha256:short", "", "p"), undefined);
  });

  it("is told to gestaltd in its words", () => {
    const reference = { worker: "w", digest };
    assert.equal(imageMetadata(reference, digest)["runtime.imageMatch"], "true");
    assert.deepEqual(imageMetadata(reference, "sha256:other"), {
      "runtime.template": "w",
      "runtime.expectedImage": `w@${digest}`,
      "runtime.currentImage": `w@${digest}`,
      "runtime.actualImage": "w@sha256:other",
      "runtime.imageMatch": "false",
    });
    assert.deepEqual(imageMetadata({ worker: "w", digest: undefined }, ""), {
      "runtime.template": "w",
      "runtime.imageMatch": "true",
    });
  });
});
