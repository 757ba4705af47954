// Who may come: rules on addresses, verified ones only.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code, type ConnectError } from "@connectrpc/connect";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { parseEmail } from "../../src/worker/authentication/email.ts";
import { loginUrl, refusal, seen } from "./host.ts";
import { AUDIENCE } from "./issuer.ts";
import { rigged } from "./rig.ts";

describe("addresses", () => {
  const ADDRESSES = ["a@b", "ada@acme.com", "ada+x@sub.acme.com", "jörg@müller.de", "ИВАН@почта.рф", "o'neil@acme.com"];
  for (const address of ADDRESSES) {
    it(`${address} is one`, () => assert.equal(parseEmail(address)?.address, address));
  }

  const OTHERS = {
    "two parts of an @": "eve@evil.example@acme.com",
    "a quoted part": '"eve@evil.example"@acme.com',
    "a space": "eve @acme.com",
    "a line break": "eve@acme.com\n",
    NUL: "eve\0@acme.com",
    "a path": "eve@acme.com/x",
    "a port": "eve@acme.com:80",
    "a fragment": "eve@evil.example#acme.com",
    "a backslash": "eve@evil.example\\acme.com",
    "an encoded sign": "eve@evil%2eexample",
    "an IP number": "eve@[127.0.0.1]",
    "an IP number for a domain": "eve@127.0.0.1",
    "a number for a domain, which is one too": "eve@2130706433",
    "an empty label": "eve@.acme.com",
    "another empty label": "eve@evil..acme.com",
    "a dot at the end": "eve@acme.com.",
    "full-width letters, which become others": "eve@\uff41cme.com",
    "a ligature that looks like two letters": "\ufb01ona@acme.com",
    "a letter that is not seen": "ad\u034fa@acme.com",
    "a variant of a letter that looks the same": "ada@acme\ufe0f.com",
    "a soft hyphen": "ada@ac\u00adme.com",
    "the Kelvin sign, in lower case k": "\u212Aim@acme.com",
    "İ, in lower case i": "\u0130da@acme.com",
    "no domain": "eve@",
    "no name": "@acme.com",
    nothing: "",
    "half a letter": "\ud800@acme.com",
    "too much": `${"a".repeat(250)}@acme.com`,
    "a right-to-left mark": "eve\u202e@acme.com",
  };
  for (const [what, address] of Object.entries(OTHERS)) {
    it(`with ${what} is none`, () => assert.equal(parseEmail(address), undefined));
  }
  for (const value of [undefined, null, 1, {}, ["ada@acme.com"]]) {
    it(`${JSON.stringify(value)} is none`, () => assert.equal(parseEmail(value), undefined));
  }
});

const rig = rigged();

describe("rules", () => {
  /** Whether somebody of this address may come, by a bearer token of the issuer's. */
  const isAllowed = async (email: string, allow: JsonObject) => {
    const claims = { iss: rig.issuer.url, aud: AUDIENCE, sub: "x", exp: Date.now() / 1000 + 60 };
    const token = await rig.issuer.sign({ ...claims, email, email_verified: true });
    const call = rig.client(rig.config({ allow })).validateExternalToken({ token });
    return call.then(
      () => true,
      (error: ConnectError) => {
        assert.equal(error.code, Code.PermissionDenied, error.message);
        return false;
      },
    );
  };
  const allows = async (allow: JsonObject, ...addresses: string[]) => {
    for (const address of addresses) assert.ok(await isAllowed(address, allow), address);
  };
  const denies = async (allow: JsonObject, ...addresses: string[]) => {
    for (const address of addresses) assert.ok(!(await isAllowed(address, allow)), address);
  };

  it("name a domain in whatever case and script, and none that only ends alike", async () => {
    await allows({ domains: ["Acme.com"] }, "ada@acme.com", "Ada@ACME.COM");
    await allows({ domains: ["xn--mller-kva.de"] }, "j@MÜLLER.de");
    await allows({ domains: ["müller.de"] }, "j@xn--mller-kva.de");
    await denies({ domains: ["acme.com"] }, "a@notacme.com", "a@sub.acme.com", "a@acme.com.evil.example", "a@acme.co");
  });

  it("name all below a domain by a star, and not the domain itself", async () => {
    await allows({ domains: ["*.acme.com"] }, "a@eu.acme.com", "a@x.eu.acme.com");
    await denies({ domains: ["*.acme.com"] }, "a@acme.com", "a@evilacme.com");
  });

  it("name addresses one by one, in whatever case", async () => {
    await allows({ emails: ["ada@acme.com"], domains: ["b.example"] }, "Ada@Acme.com", "x@b.example");
    await denies({ emails: ["ada@acme.com"], domains: ["b.example"] }, "bob@acme.com");
  });

  it("name domains that are domains", async () => {
    for (const domain of ["", "*", "*.", "a@b", "*.*.acme.com", "acme.com/", "http://acme.com", "a b"]) {
      await refusal(loginUrl(rig.client(rig.config({ allow: { domains: [domain] } }))), Code.InvalidArgument, /allow/);
    }
  });
});

describe("people", () => {
  const client = (main: JsonObject = {}) => rig.client(rig.config(main));
  const ACME: JsonObject = { allow: { domains: ["acme.com"] } };

  it("come by their domain, or by their address", async () => {
    assert.equal((await rig.signIn(client(ACME))).email, "Ada@Acme.com");
    assert.equal(
      (await rig.signIn(client({ allow: { emails: ["EVE@evil.example"] } }), "eve")).email,
      "eve@evil.example",
    );
  });

  it("of others do not come, and are told so without their name", async () => {
    const { message } = await refusal(rig.signIn(client(ACME), "eve"), Code.PermissionDenied, /at evil\.example/);
    assert.doesNotMatch(message, /eve@/);
  });

  it("whose address is not verified do not come, whatever the rules", async () => {
    for (const main of [ACME, { ...ACME, verifiedDomains: ["acme.com"] }, {}]) {
      await refusal(rig.signIn(client(main), "mallory"), Code.PermissionDenied, /has not verified/);
    }
  });

  it("of whom the issuer does not say so come only from domains it is trusted with", async () => {
    await refusal(rig.signIn(client(ACME), "silent"), Code.PermissionDenied, /has not verified/);
    assert.equal(
      (await rig.signIn(client({ ...ACME, verifiedDomains: ["acme.com"] }), "silent")).email,
      "ada@acme.com",
    );
    const other = { ...ACME, verifiedDomains: ["other.example"] };
    await refusal(rig.signIn(client(other), "silent"), Code.PermissionDenied, /has not verified/);
  });

  it("without an address do not come", async () => {
    await refusal(rig.signIn(client(), "nobody"), Code.PermissionDenied, /no email address/);
  });

  it("whose address would become another's do not come", async () => {
    await refusal(rig.signIn(client(), "kelvin"), Code.PermissionDenied, /no email address/);
  });

  it("are shown with texts and pictures that are fit to be shown", async () => {
    const bob = { email: "bob@acme.com", displayName: "Bob B", avatarUrl: "" };
    assert.deepEqual(seen(await rig.signIn(client(), "script")), bob);
  });

  it("may have their address in another claim, of which the flag says nothing", async () => {
    const main = { emailClaim: "name" };
    rig.forgeIdTokens((claims) => rig.issuer.sign({ ...claims, name: "upn@acme.com", email_verified: true }));
    await refusal(rig.signIn(client(main)), Code.PermissionDenied, /no email address|has not verified/);
    const user = await rig.signIn(client({ ...main, verifiedDomains: ["acme.com"] }));
    rig.issuer.answer("/token", undefined);
    assert.equal(user.email, "upn@acme.com");
  });
});
