// Slots: sessions of one policy share one, and a slot does not change its rules while code of an old session may still run.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SessionEgress } from "../../src/bridge/egress/session-egress.ts";
import { QUARANTINE_MS, Slots } from "../../src/bridge/egress/slots.ts";

const holder = (host: string, proxy?: string): { readonly egress: SessionEgress } => ({
  egress: { policy: { allow: [host], default: "deny" }, proxies: proxy === undefined ? {} : { https: proxy } },
});

describe("slots", () => {
  it("are shared by sessions of one policy and one way out", () => {
    const slots = new Slots(3);
    const [a, b] = [slots.take(holder("a")), slots.take(holder("b"))];
    assert.notEqual(a, b);
    assert.equal(slots.take(holder("a")), a);
    assert.equal(slots.take(holder("a", "http://p")), 2);
    assert.equal(slots.take(holder("c")), undefined);
    slots.grow(4);
    assert.equal(slots.take(holder("c")), 3);
    assert.equal(slots.peak, 4);
  });

  it("are free when the last session has left", () => {
    const slots = new Slots(1);
    const [one, two] = [holder("a"), holder("a")];
    slots.take(one);
    slots.take(two);
    assert.equal(slots.release(0, one), false);
    assert.equal(slots.release(0, one), false);
    assert.equal(slots.release(0, two), true);
    assert.equal(slots.take(holder("a")), 0);
  });

  it("change their rules only when nothing of the old session can run any more", () => {
    let now = 1_000_000;
    const slots = new Slots(1, () => now);
    const old = holder("a");
    slots.take(old);
    slots.release(0, old);
    assert.equal(slots.take(holder("b")), undefined);
    const proxied = holder("a", "http://p");
    assert.equal(slots.take(proxied), 0);
    slots.release(0, proxied);
    now += QUARANTINE_MS;
    assert.equal(slots.take(holder("b")), undefined);
    now += 1;
    const next = holder("b");
    assert.equal(slots.take(next), 0);
    slots.release(0, next);
    slots.restarted();
    assert.equal(slots.take(holder("c")), 0);
  });
});
