// A "deployed" worker: the test app in a workerd of its own, over plain HTTP and over TLS, with a key pair as `keygen` makes.
import { generateKeyPairSync } from "node:crypto";
import { connect } from "node:tls";
import { calculateJwkThumbprint } from "jose";
import { Miniflare } from "miniflare";
import { DIGEST_BINDING, JWKS_BINDING, NAME_BINDING, PRESIGN_SECRET_BINDING } from "../../src/wire/bindings.ts";
import { APP } from "./bridge-process.ts";
import { bundle } from "./worker-harness.ts";

export const DEPLOYED_NAME = "deployed-app";
export const DEPLOYED_DIGEST = `sha256:${"ab".repeat(32)}`;

export interface DeployedWorker {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** `https://127.0.0.1:<port>`, with a certificate nobody trusts by default. */
  readonly tlsUrl: string;
  /** PEM of that certificate. */
  readonly certificate: string;
  /** The bridge's private key. */
  readonly pem: string;
  readonly jwk: string;
  stop(): Promise<void>;
}

/** Runs until it is stopped. */
export async function startDeployedWorker(): Promise<DeployedWorker> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const jwk = publicKey.export({ format: "jwk" }) as { kty: string; crv: string; x: string };
  const kid = await calculateJwkThumbprint(jwk);
  const miniflare = new Miniflare({
    name: DEPLOYED_NAME,
    modules: [{ type: "ESModule", path: "worker.js", contents: await bundle(`${APP}/app.worker.ts`) }],
    compatibilityDate: "2026-07-01",
    compatibilityFlags: ["enable_request_signal"],
    kvNamespaces: ["CACHE"],
    r2Buckets: ["BLOBS"],
    bindings: {
      [NAME_BINDING]: DEPLOYED_NAME,
      [DIGEST_BINDING]: DEPLOYED_DIGEST,
      [JWKS_BINDING]: JSON.stringify({ keys: [{ ...jwk, kid }] }),
      [PRESIGN_SECRET_BINDING]: "0123456789abcdef0123456789abcdef",
    },
    https: true,
    cf: false,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    handleRuntimeStdio: () => undefined,
  });
  const tlsUrl = (await miniflare.ready).origin;
  return {
    url: (await miniflare.unsafeGetDirectURL()).origin,
    tlsUrl,
    certificate: await certificateOf(tlsUrl),
    pem: privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    jwk: JSON.stringify(privateKey.export({ format: "jwk" })),
    stop: () => miniflare.dispose(),
  };
}

function certificateOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error("no certificate"));
      else resolve(certificate.toString());
    });
    socket.on("error", reject);
  });
}
