// The policy matcher: gestaltd's meaning, and what goes beyond it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { normaliseHost } from "../../src/wire/egress/host.ts";
import { decide, decideForAll, egressClaim, parsePolicy } from "../../src/wire/egress/policy.ts";

const policyOf = (...allow: string[]) => parsePolicy({ allow, default: "deny" });
const allows = (entry: string, host: string, port = 443) => decide(policyOf(entry), host, port).allowed;

const label = fc.stringMatching(/^[a-z]([a-z0-9]{0,8}[a-z])?$/);
const domain = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join("."));
const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6();

/** The same host as somebody else might write it. */
const spelled = (host: string) =>
  fc
    .tuple(fc.array(fc.boolean(), { minLength: host.length, maxLength: host.length }), fc.boolean())
    .map(([upper, dot]) => [...host].map((c, i) => (upper[i] ? c.toUpperCase() : c)).join("") + (dot ? "." : ""));

describe("what StartPlugin says", () => {
  const cases: [string[], string, ReturnType<typeof egressClaim>][] = [
    [[], "", undefined],
    [[], "allow", undefined],
    [["", "  "], "allow", undefined],
    [[], "deny", { allow: [], default: "deny" }],
    // Not permission: whoever sent it meant something.
    [[], "audit", { allow: [], default: "deny" }],
    // A list is all there is, whatever the action (gestaltd, services/egress).
    [[" a.example "], "allow", { allow: ["a.example"], default: "deny" }],
    [["a.example"], "", { allow: ["a.example"], default: "deny" }],
  ];
  for (const [hosts, action, claim] of cases) {
    it(`${JSON.stringify(hosts)} with ${JSON.stringify(action)}`, () => {
      assert.deepEqual(egressClaim(hosts, action), claim);
    });
  }
});

describe("a rule", () => {
  it("matches its host, however either is spelled, on every port", () => {
    fc.assert(
      fc.property(
        domain.chain((host) => fc.tuple(spelled(host), spelled(host))),
        port,
        ([entry, host], number) => assert.equal(allows(entry, host, number), true),
      ),
    );
  });

  it("matches no other host", () => {
    fc.assert(
      fc.property(domain, domain, (entry, host) => {
        fc.pre(entry !== host);
        assert.equal(allows(entry, host), false);
        assert.equal(allows(entry, `${host}.${entry}`), false);
        assert.equal(allows(entry, `${entry}.${host}`), false);
        assert.equal(allows(entry, `x${entry}`), false);
      }),
    );
  });

  it("with a wildcard matches every name below, not the domain itself", () => {
    fc.assert(
      fc.property(domain, domain, (below, host) => {
        assert.equal(allows(`*.${host}`, `${below}.${host}`), true);
        assert.equal(allows(`*.${host}`, host), host.endsWith(`.${host}`));
        assert.equal(allows(`*.${host}`, `${below}${host}`), false);
        assert.equal(allows(`*.${host}`, `.${host}`), false);
      }),
    );
  });

  it("with a port matches that port alone", () => {
    fc.assert(
      fc.property(fc.oneof(domain, ipv4), port, port, (host, wanted, asked) => {
        assert.equal(allows(`${host}:${wanted}`, host, asked), wanted === asked);
      }),
    );
  });

  it("knows addresses in every form", () => {
    fc.assert(
      fc.property(ipv6, port, (address, number) => {
        assert.equal(allows(address, `[${address}]`, number), true);
        assert.equal(allows(`[${address}]`, address, number), true);
        assert.equal(allows(`[${address}]:${number}`, address.toUpperCase(), number), true);
        assert.equal(allows(`[${address}]:1`, address, 2), false);
      }),
    );
    assert.equal(allows("::1", "0:0:0:0:0:0:0:1"), true);
    assert.equal(allows("127.0.0.1", "0x7f.1"), true);
    assert.equal(allows("127.0.0.1", "2130706433"), true);
    assert.equal(allows("127.0.0.1", "::ffff:127.0.0.1"), false);
    assert.equal(allows("localhost", "127.0.0.1"), false);
    assert.equal(allows("*.0.0.1", "127.0.0.1"), false);
  });

  it("compares international names as punycode", () => {
    assert.equal(allows("bücher.example", "xn--bcher-kva.example"), true);
    assert.equal(allows("xn--bcher-kva.example", "BÜCHER.example."), true);
    assert.equal(allows("*.bücher.example", "a.xn--bcher-kva.example"), true);
  });

  it("that is none allows nothing", () => {
    const entries = ["*", "*.", "http://a.example", "a.example/x", "a b", "a.*.example", "*a.example", "a.example:0"];
    for (const entry of [...entries, "a.example:99999", "a@b.example", "fe80::1%eth0", "[::1", "%61.example", ":443"]) {
      const policy = policyOf(entry);
      assert.deepEqual(policy.unusable, [entry]);
      for (const host of ["a.example", "b.example", "*", "::1"]) assert.equal(decide(policy, host, 443).allowed, false);
    }
  });
});

describe("a decision", () => {
  it("never lets a text through that is no host", () => {
    fc.assert(
      fc.property(fc.string(), domain, (text, host) => {
        const { allowed } = decide(policyOf(host, `*.${host}`), text, 443);
        if (allowed) assert.match(normaliseHost(text) ?? "", new RegExp(`(^|\\.)${host.replaceAll(".", "\\.")}$`));
      }),
    );
    for (const text of ["a.example/", "x@a.example", "a.example#", "a.example?", "a.example\\", " a.example", ""]) {
      assert.equal(allows("a.example", text), false, text);
    }
  });

  it("names host and rule", () => {
    assert.deepEqual(decide(policyOf("*.a.example"), "x.a.example", 443), { allowed: true, rule: "*.a.example" });
    const denied = decide(policyOf("a.example", "b.example:8443"), "B.example", 443);
    assert.deepEqual(denied, {
      allowed: false,
      rule: "allowed_hosts",
      reason: "egress to b.example:443 is denied: no entry of allowed_hosts matches (a.example, b.example:8443)",
    });
    const all = decide(parsePolicy({ allow: [], default: "deny" }), "::1", 80);
    assert.deepEqual([all.rule, all.allowed], ["default_action deny", false]);
    assert.match(all.allowed ? "" : all.reason, /\[::1\]:80/);
  });

  it("for several policies is what all of them allow", () => {
    fc.assert(
      fc.property(
        fc.array(fc.subarray(["a.x", "b.x", "*.x", "c.y"])),
        fc.constantFrom("a.x", "c.y", "z.x"),
        (sets, host) => {
          const policies = sets.filter((set) => set.length > 0).map((set) => policyOf(...set));
          const each = policies.every((policy) => decide(policy, host, 443).allowed);
          assert.equal(decideForAll(policies, host, 443).allowed, each);
        },
      ),
    );
  });
});
