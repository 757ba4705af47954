// The keys that credentials are encrypted with: Worker secrets, from which the keys proper are derived. A key never is in a session's
// config, which travels with every call; what is there is the secret's name.
import { type Bindings, Code, ConnectError, CREDENTIALS_KEY_BINDING } from "../../worker/index.ts";
import { MIN_KEY_BYTES } from "./limits.ts";
import { RefusedError } from "./outcome.ts";

/** Names of Worker secrets. */
export interface KeyNames {
  /** The one that encrypts. */
  readonly key: string;
  /** Those that only open what they once encrypted. */
  readonly oldKeys: readonly string[];
}

export interface SealingKey {
  /** 16 hexadecimal digits. The same secret has the same id everywhere. */
  readonly id: string;
  readonly key: CryptoKey;
}

export interface KeyRing {
  readonly current: SealingKey;
  find(id: string): SealingKey | undefined;
}

/** Read where it is there, without being named: so a rotation needs no change of gestaltd's config. */
const OLD_KEY_BINDING = `${CREDENTIALS_KEY_BINDING}_OLD`;

/** Bytes of a key's id. */
const ID_BYTES = 8;

const encoder = new TextEncoder();

/** `salt` is the store's own: what is derived is good for no other store. */
export async function openKeyRing(bindings: Bindings, names: KeyNames, salt: Uint8Array): Promise<KeyRing> {
  const [current, ...old] = await Promise.all(secretsOf(bindings, names).map((secret) => sealingKey(secret, salt)));
  if (current === undefined) throw noKey(names.key, "is not set");
  const keys = new Map([...old, current].map((key) => [key.id, key]));
  return { current, find: (id) => keys.get(id) };
}

/** Throws FAILED_PRECONDITION, with what to do, when a secret that is named is not there or too short. For `configure` hooks. */
export function checkKeys(bindings: Bindings, names: KeyNames): void {
  try {
    secretsOf(bindings, names);
  } catch (error) {
    throw error instanceof RefusedError ? new ConnectError(error.message, Code.FailedPrecondition) : error;
  }
}

/** Tells whether the rings of two moments are the same. */
export function keyTexts(bindings: Bindings, names: KeyNames): string {
  return JSON.stringify([names.key, ...oldNames(bindings, names)].map((name) => bindings[name]));
}

function secretsOf(bindings: Bindings, names: KeyNames): Uint8Array[] {
  return [names.key, ...oldNames(bindings, names)].map((name) => secretOf(bindings, name));
}

function oldNames(bindings: Bindings, { oldKeys }: KeyNames): readonly string[] {
  const known = Object.hasOwn(bindings, OLD_KEY_BINDING) && !oldKeys.includes(OLD_KEY_BINDING);
  return known ? [...oldKeys, OLD_KEY_BINDING] : oldKeys;
}

function secretOf(bindings: Bindings, name: string): Uint8Array {
  const value = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
  if (typeof value !== "string") throw noKey(name, "is not set");
  // A line end at the end comes and goes with the way a secret was set.
  const secret = encoder.encode(value.trim());
  if (secret.byteLength >= MIN_KEY_BYTES) return secret;
  throw noKey(name, `has ${secret.byteLength} bytes, and a key needs ${MIN_KEY_BYTES}`);
}

function noKey(name: string, what: string): RefusedError {
  const text =
    `Credentials are encrypted with a key of the Worker secret ${name}, which ${what}. ` +
    `Set it with: openssl rand -base64 32 | npx wrangler secret put ${name}`;
  return new RefusedError("misconfigured", text);
}

async function sealingKey(secret: Uint8Array, salt: Uint8Array): Promise<SealingKey> {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey", "deriveBits"]);
  const derivation = (info: string, of: Uint8Array) => ({
    ...{ name: "HKDF", hash: "SHA-256" },
    ...{ salt: of, info: encoder.encode(`gestalt-edge external credentials: ${info}`) },
  });
  const id = await crypto.subtle.deriveBits(derivation("key id", new Uint8Array()), material, ID_BYTES * 8);
  const form = { name: "AES-GCM", length: 256 };
  const usages: ("encrypt" | "decrypt")[] = ["encrypt", "decrypt"];
  const key = await crypto.subtle.deriveKey(derivation("AES-256-GCM", salt), material, form, false, usages);
  return { id: hex(id), key };
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
