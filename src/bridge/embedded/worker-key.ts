// The key pair of an embedded node: made when it starts, so that no key of one machine is good on another.
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import type { PrivateJwk } from "./control-protocol.ts";

export interface NodeKey {
  /** For the bridges, over the control socket only. */
  readonly privateJwk: PrivateJwk;
  /** JSON Web Key Set with the public key, for the worker's variable. */
  readonly jwks: string;
}

export async function createNodeKey(): Promise<NodeKey> {
  const { privateKey } = await generateKeyPair("Ed25519", { extractable: true });
  const { x = "", d = "" } = await exportJWK(privateKey);
  const publicJwk = { kty: "OKP", crv: "Ed25519", x } as const;
  const kid = await calculateJwkThumbprint(publicJwk);
  return {
    privateJwk: { ...publicJwk, d },
    jwks: JSON.stringify({ keys: [{ ...publicJwk, kid, alg: "EdDSA", use: "sig" }] }),
  };
}
