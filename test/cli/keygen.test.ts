// `gestalt-edge keygen`: the private key is safe, the public one is what a worker needs, rotation keeps the old one.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { calculateJwkThumbprint, importJWK, importPKCS8, jwtVerify, SignJWT } from "jose";
import { cli, temporaryFolder } from "./cli.ts";

describe("gestalt-edge keygen", () => {
  let folder = "";
  let remove: () => Promise<void>;
  before(async () => {
    ({ folder, remove } = await temporaryFolder());
  });
  after(() => remove());

  it("writes the private key for its owner only, and prints only the public one", async () => {
    const { code, stdout, stderr } = await cli(["keygen"], { cwd: folder });
    assert.equal(code, 0);
    const pem = await readFile(join(folder, "edge.key"), "utf8");
    assert.equal((await stat(join(folder, "edge.key"))).mode & 0o777, 0o600);
    const secret = createPrivateKey(pem).export({ format: "jwk" }).d ?? "";
    const shown = stdout + stderr;
    assert.ok(!shown.includes(secret) && !shown.includes(pem.split("\n")[1] ?? ""));
    assert.ok(shown.includes(createPublicKey(pem).export({ format: "jwk" }).x ?? "-"));
    assert.match(shown, /GESTALT_EDGE_JWKS = '\{/);
  });

  it("refuses to overwrite, and leaves the key as it was", async () => {
    const before = await readFile(join(folder, "edge.key"), "utf8");
    const { code, stderr } = await cli(["keygen"], { cwd: folder });
    assert.equal(code, 1);
    assert.match(stderr, /where: .*edge\.key/);
    assert.equal(await readFile(join(folder, "edge.key"), "utf8"), before);
  });

  it("makes a pair that fits: what the file signs, the key set verifies", async () => {
    const { stdout } = await cli(["keygen", "--out", "pair.key", "--json"], { cwd: folder });
    const { file, kid, jwks } = JSON.parse(stdout);
    assert.equal(file, join(folder, "pair.key"));
    const [jwk] = jwks.keys;
    assert.deepEqual([jwk.kid, jwk.kid], [kid, await calculateJwkThumbprint(jwk)]);
    const signed = await new SignJWT({})
      .setProtectedHeader({ alg: "EdDSA" })
      .sign(await importPKCS8(await readFile(file, "utf8"), "EdDSA"));
    await jwtVerify(signed, await importJWK(jwk, "EdDSA"));
  });

  it("adds to a key set, given as a file or as text, and keeps the old keys first", async () => {
    const first = JSON.parse((await cli(["keygen", "-o", "a.key", "--json"], { cwd: folder })).stdout);
    await writeFile(join(folder, "set.json"), JSON.stringify(first.jwks));
    for (const source of ["set.json", JSON.stringify(first.jwks)]) {
      const out = `${source.length}.key`;
      const { stdout } = await cli(["keygen", "-o", out, "--add", source, "--json"], { cwd: folder });
      const { jwks, kid } = JSON.parse(stdout);
      assert.deepEqual(
        jwks.keys.map((key: { kid: string }) => key.kid),
        [first.kid, kid],
      );
    }
  });

  it("makes no key when the set to add to is wrong, least of all a private one", async () => {
    const faults = { "{}": /no list of keys/, "{": /not JSON/, '{"keys":[{"d":"x"}]}': /holds a private key/ };
    for (const [source, said] of Object.entries(faults)) {
      const { code, stderr } = await cli(["keygen", "-o", "never.key", "--add", source], { cwd: folder });
      assert.equal(code, 1);
      assert.match(stderr, said);
    }
    await assert.rejects(stat(join(folder, "never.key")), { code: "ENOENT" });
  });
});
