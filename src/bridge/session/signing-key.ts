// The private key a bridge signs session tokens with: read from config, file or environment, checked, never printed.
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { calculateJwkThumbprint } from "jose";
import { GrpcCode } from "../../wire/codes.ts";
import type { SecretConfig } from "../config/worker-config.ts";
import { BridgeError } from "../errors.ts";
import type { Secrets } from "../log.ts";

export interface SigningKey {
  readonly key: KeyObject;
  /** RFC 7638 thumbprint of the public key: `kid` in the token's header and in the worker's key set. */
  readonly kid: string;
}

/** Where values named by config are looked up. */
export interface SecretContext {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly secrets: Secrets;
}

const REMEDY = "make one with `gestalt-edge keygen`";

/**
 * Reads a secret named by config at `path` and registers it for redaction.
 *
 * @throws BridgeError FAILED_PRECONDITION when the file or variable is missing or empty.
 */
export async function readSecret(config: SecretConfig, path: string, context: SecretContext): Promise<string> {
  const value = await lookUp(config, path, context);
  if (value.trim() === "") throw fault(`${path} is empty`);
  context.secrets.add(value);
  return value;
}

/**
 * Parses an Ed25519 private key: PKCS8 PEM or a JWK as JSON text. `path` says where it stands in the config.
 *
 * @throws BridgeError FAILED_PRECONDITION that never quotes the value.
 */
export async function parseSigningKey(text: string, path: string): Promise<SigningKey> {
  const key = readKey(text.trim(), path);
  if (key.asymmetricKeyType !== "ed25519") {
    throw fault(`${path} is a key of type ${key.asymmetricKeyType ?? "unknown"}, and Ed25519 is needed; ${REMEDY}`);
  }
  const jwk = createPublicKey(key).export({ format: "jwk" });
  return { key, kid: await calculateJwkThumbprint(jwk as Parameters<typeof calculateJwkThumbprint>[0]) };
}

async function lookUp(config: SecretConfig, path: string, { root, env }: SecretContext): Promise<string> {
  if (typeof config === "string") return config;
  if ("value" in config) return config.value;
  if ("env" in config) {
    const value = env[config.env];
    if (value === undefined) {
      throw fault(
        `${path}: environment variable ${config.env} is not set; gestaltd passes only what the entry's env names`,
      );
    }
    return value;
  }
  const file = resolve(root, config.file);
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? "error";
    throw fault(`${path}: cannot read ${file} (${reason}); relative paths start at ${root}`);
  }
}

function readKey(text: string, path: string): KeyObject {
  try {
    return text.startsWith("{")
      ? createPrivateKey({ key: JSON.parse(text), format: "jwk" })
      : createPrivateKey({ key: text, format: "pem" });
  } catch {
    // The parser's message may quote the input.
    throw fault(`${path} is neither a PKCS8 PEM nor a JWK private key; ${REMEDY}`);
  }
}

function fault(message: string): BridgeError {
  return new BridgeError(GrpcCode.failedPrecondition, message);
}
