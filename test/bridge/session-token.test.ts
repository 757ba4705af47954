// The bridge's half of the session token: keys, claims, lifetime, sizes.
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { calculateJwkThumbprint, decodeProtectedHeader, jwtVerify } from "jose";
import { BridgeError } from "../../src/bridge/errors.ts";
import { createLog, createSecrets } from "../../src/bridge/log.ts";
import { checkConfigSize, checkVariablesSize } from "../../src/bridge/session/config-size.ts";
import { configured, type Session } from "../../src/bridge/session/session.ts";
import { parseSigningKey, readSecret } from "../../src/bridge/session/signing-key.ts";
import { createTokenSigner } from "../../src/bridge/session/token-signer.ts";
import {
  MAX_CONFIG_BYTES,
  MAX_SESSION_VARIABLES_BYTES,
  TOKEN_LIFETIME_SECONDS,
  TOKEN_REFRESH_MARGIN_SECONDS,
} from "../../src/wire/limits.ts";
import { parseSessionClaims, TOKEN_ISSUER } from "../../src/wire/session-token.ts";
import { temporaryFolder } from "../support/bridge-process.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const pem = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
const jwk = JSON.stringify(privateKey.export({ format: "jwk" }));

const session: Session = {
  id: "s1",
  revision: 0,
  provider: "cache",
  name: "edge",
  config: undefined,
  variables: {},
  hosts: [],
};

describe("signing key", () => {
  it("is read from PEM and JWK alike, with the thumbprint as its id", async () => {
    const kid = await calculateJwkThumbprint(publicKey.export({ format: "jwk" }) as { kty: string });
    for (const text of [pem, jwk, `\n${pem}\n`]) {
      const parsed = await parseSigningKey(text, "worker.key");
      assert.equal(parsed.kid, kid);
      assert.deepEqual(createPublicKey(parsed.key).export({ format: "jwk" }), publicKey.export({ format: "jwk" }));
    }
  });

  it("is refused with a reason that never quotes it", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const texts: [string, RegExp][] = [
      ["a very secret passphrase", /worker\.key is neither a PKCS8 PEM nor a JWK private key; make one with/],
      ["{not json", /neither a PKCS8 PEM nor a JWK/],
      [JSON.stringify(publicKey.export({ format: "jwk" })), /neither a PKCS8 PEM nor a JWK/],
      [rsa.export({ format: "pem", type: "pkcs8" }) as string, /is a key of type rsa, and Ed25519 is needed/],
    ];
    for (const [text, message] of texts) {
      await assert.rejects(parseSigningKey(text, "worker.key"), (error: BridgeError) => {
        assert.ok(error instanceof BridgeError);
        assert.match(error.message, message);
        assert.equal(error.message.includes(text), false);
        return true;
      });
    }
  });

  it("comes from a value, a file below the root, or a variable, and is blotted out of the log", async (t) => {
    const root = temporaryFolder(t);
    writeFileSync(join(root, "edge.key"), pem);
    for (const config of [pem, { value: pem }, { file: "edge.key" }, { env: "EDGE_KEY" }]) {
      const secrets = createSecrets();
      const lines: string[] = [];
      assert.equal(await readSecret(config, "worker.key", { root, env: { EDGE_KEY: pem }, secrets }), pem);
      createLog(secrets, {}, (line) => lines.push(line)).error("oops", { error: new Error(`bad ${pem}`), pem });
      assert.equal(lines.length, 1);
      assert.doesNotMatch(lines.join(""), /PRIVATE KEY/);
      assert.match(lines.join(""), /\[redacted\]/);
    }
    const context = { root, env: {}, secrets: createSecrets() };
    await assert.rejects(readSecret({ env: "NOPE" }, "worker.key", context), /variable NOPE is not set/);
    await assert.rejects(readSecret({ file: "nope" }, "worker.key", context), /cannot read .*nope \(ENOENT\)/);
  });
});

describe("session token", () => {
  it("carries the session and verifies", async () => {
    const key = await parseSigningKey(pem, "worker.key");
    const full = { ...configured(session, { a: [1, null] }), variables: { A: "1" }, hosts: ["CACHE"] };
    const token = await createTokenSigner({ session: full, audience: "app", key }).sign();
    assert.deepEqual(decodeProtectedHeader(token), { alg: "EdDSA", kid: key.kid });
    const { payload } = await jwtVerify(token, publicKey, { audience: "app", issuer: TOKEN_ISSUER });
    const { iat, nbf, exp, ...claims } = parseSessionClaims(payload);
    assert.equal(exp - iat, TOKEN_LIFETIME_SECONDS);
    assert.equal(nbf, iat);
    const said = { provider: "cache", sid: "s1", rev: 0, name: "edge", config: { a: [1, null] } };
    assert.deepEqual(claims, { iss: TOKEN_ISSUER, aud: "app", ...said, vars: { A: "1" }, hosts: ["CACHE"] });
  });

  it("is reused until shortly before it expires, and renewed without a gap", async () => {
    const key = await parseSigningKey(pem, "worker.key");
    let now = 1_800_000_000_000;
    const signer = createTokenSigner({ session, audience: "app", key, now: () => now });
    assert.equal(signer.current(), undefined);
    const [first, shared] = await Promise.all([signer.sign(), signer.sign()]);
    assert.equal(first, shared);
    assert.equal(signer.current(), first);
    now += (TOKEN_LIFETIME_SECONDS - TOKEN_REFRESH_MARGIN_SECONDS - 1) * 1000;
    assert.equal(signer.current(), first, "still good, while its successor is being made");
    const second = await signer.sign();
    assert.notEqual(second, first);
    assert.equal(signer.current(), second);
    now += (TOKEN_LIFETIME_SECONDS - TOKEN_REFRESH_MARGIN_SECONDS) * 1000;
    assert.equal(signer.current(), undefined, "inside the margin it is not used any more");
  });

  it("counts configurations from 0", () => {
    const first = configured(session, {});
    assert.equal(first.revision, 0);
    assert.equal(configured(first, {}).revision, 1);
  });
});

describe("sizes", () => {
  it("of config and variables are checked, with a way out", () => {
    const fitting = "x".repeat(MAX_CONFIG_BYTES - '{"a":""}'.length);
    checkConfigSize({ a: fitting }, "edge");
    assert.throws(() => checkConfigSize({ a: `${fitting}x` }, "edge"), /16385 bytes.*Worker secrets.*bindings/);
    assert.throws(
      () => checkVariablesSize({ A: "ü".repeat(MAX_SESSION_VARIABLES_BYTES / 2) }, "search"),
      /environment of "search".*Worker secrets/,
    );
  });
});
