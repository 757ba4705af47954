// The app as `gestalt-edge deploy --guard-egress` would deploy it, in a workerd of its own.
import { generateKeyPairSync } from "node:crypto";
import { after, before } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { calculateJwkThumbprint } from "jose";
import { Miniflare } from "miniflare";
import { bundleWorker } from "../../src/bridge/embedded/bundle.ts";
import { readProject } from "../../src/bridge/embedded/project.ts";
import { egressGuard } from "../../src/bridge/embedded/ways-out.ts";
import { JWKS_BINDING, NAME_BINDING } from "../../src/wire/bindings.ts";
import { APP } from "./reach.ts";

/** The runtime's config of the worker, for all tests of a file. */
export function guardedWorker(): { readonly config: JsonObject } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  let miniflare: Miniflare | undefined;
  let url = "";
  before(async () => {
    const jwk = publicKey.export({ format: "jwk" }) as { kty: string; crv: string; x: string };
    const keys = [{ ...jwk, kid: await calculateJwkThumbprint(jwk) }];
    const project = await readProject(APP);
    const { code } = await bundleWorker(project, undefined, egressGuard(project));
    const { modulesRules: _rules, ...options } = project.miniflare.workerOptions;
    miniflare = new Miniflare({
      ...options,
      name: project.name,
      modules: [{ type: "ESModule", path: "worker.js", contents: code }],
      bindings: { [NAME_BINDING]: project.name, [JWKS_BINDING]: JSON.stringify({ keys }) },
      cf: false,
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      handleRuntimeStdio: () => undefined,
    });
    url = (await miniflare.unsafeGetDirectURL()).origin;
  });
  after(() => miniflare?.dispose());
  return {
    get config() {
      const key = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
      return { url, key, name: "egress-test-app", provider: "reacher" };
    },
  };
}
