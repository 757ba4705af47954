// `gestalt-edge keygen`: makes the key pair of a deployed worker. The private half goes to a file of mode 0600 and nowhere else.
import { constants } from "node:fs";
import { access, open, readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, type JWK } from "jose";
import { JWKS_BINDING } from "../wire/bindings.ts";
import { TOKEN_ALGORITHM } from "../wire/session-token.ts";
import { defineCommand } from "./command.ts";
import { CliError, ExitCode } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

/** Only the owner may read and write. */
const PRIVATE_MODE = 0o600;

interface KeySet {
  readonly keys: readonly JWK[];
}

interface NewKey {
  readonly file: string;
  readonly kid: string;
  readonly jwks: KeySet;
}

export const keygen = defineCommand({
  name: "keygen",
  about: [
    "Makes an Ed25519 key pair. The private key goes to a file that only you can read: the bridge signs session tokens",
    "with it. The public key is printed as a JSON Web Key Set: the worker checks the tokens with it, from the variable",
    `${JWKS_BINDING}. The private key is never printed, and an existing file is never overwritten.`,
  ].join("\n"),
  options: {
    out: { type: "string", short: "o", value: "FILE", default: "edge.key", help: "File for the private key" },
    add: { type: "string", value: "JWKS", help: "Key set to add the new key to, as a file or JSON text: for rotation" },
  },
  examples: [
    "gestalt-edge keygen",
    "gestalt-edge keygen --out keys/2026-12.key --add keys/jwks.json",
    "gestalt-edge keygen --json",
  ],
  run: async ({ values, terminal }) => {
    const others = values.add === undefined ? [] : (await readKeySet(values.add)).keys;
    const key = await createKey(resolve(values.out), others);
    terminal.data({ file: key.file, kid: key.kid, jwks: key.jwks });
    printNextSteps(key, terminal);
    return ExitCode.ok;
  },
});

async function createKey(file: string, others: readonly JWK[]): Promise<NewKey> {
  const { privateKey, publicKey } = await generateKeyPair("Ed25519", { extractable: true });
  await writePrivate(file, await exportPKCS8(privateKey));
  const { kty, crv, x } = await exportJWK(publicKey);
  const point = { kty, crv, x } as JWK;
  const kid = await calculateJwkThumbprint(point);
  return { file, kid, jwks: { keys: [...others, { ...point, kid, alg: TOKEN_ALGORITHM, use: "sig" }] } };
}

/** Creates the file with its final mode, so that the key is at no moment readable to others. */
async function writePrivate(file: string, pem: string): Promise<void> {
  await access(dirname(file), constants.W_OK).catch(() => {
    throw new CliError({
      what: "The folder for the private key does not exist or cannot be written",
      where: dirname(file),
      fix: "Make the folder, or name another file with --out",
    });
  });
  const handle = await open(file, "wx", PRIVATE_MODE).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
    throw new CliError({
      what: "There is a file of this name already, and a private key that is overwritten cannot be had back",
      where: file,
      fix: "Name another file with --out; to rotate keys, also give the present key set with --add",
    });
  });
  try {
    await handle.writeFile(pem.endsWith("\n") ? pem : `${pem}\n`);
  } finally {
    await handle.close();
  }
}

async function readKeySet(source: string): Promise<KeySet> {
  const inline = source.trimStart().startsWith("{");
  const where = inline ? "--add" : source;
  const text = inline
    ? source
    : await readFile(source, "utf8").catch(() => {
        throw new CliError({ what: "The key set cannot be read", where, fix: "Give a file, or the JSON itself" });
      });
  const fault = (what: string) =>
    new CliError({ what, where, fix: `It is the value of ${JWKS_BINDING}: {"keys": […]}` });
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw fault("The key set is not JSON");
  }
  // What `keygen --json` printed holds the set under `jwks`.
  const { keys } = { ...(set as Partial<KeySet> | null), ...(set as { jwks?: KeySet } | null)?.jwks };
  if (!Array.isArray(keys)) throw fault("The key set has no list of keys");
  if (keys.some((key: JWK) => key.d !== undefined || key.k !== undefined))
    throw fault("The key set holds a private key; a worker must be given public keys only");
  return { keys };
}

function printNextSteps({ file, kid, jwks }: NewKey, terminal: Terminal): void {
  const { print, paint } = terminal;
  const shown = relative(process.cwd(), file).startsWith("..") ? file : `./${relative(process.cwd(), file)}`;
  print(`${paint("bold", "Private key")}  ${shown} (only you can read it; keep it out of version control)`);
  print(`${paint("bold", "Key id")}       ${kid}`);
  print();
  print("1. Give the worker the public keys, in wrangler.toml:");
  print();
  print("   [vars]");
  print(`   ${JWKS_BINDING} = '${JSON.stringify(jwks)}'`);
  print();
  print("2. Deploy it:");
  print();
  print("   npx gestalt-edge deploy");
  print();
  print("3. Give the bridge the private key, in gestaltd's config, under the provider's worker:");
  print();
  print(`   worker: {url: https://NAME.ACCOUNT.workers.dev, provider: PROVIDER, key: {file: ${file}}}`);
  if (jwks.keys.length === 1) return;
  print();
  print("The old key stays valid until you take it out of the set: deploy, switch the bridge, then take it out.");
}
