// The check of histories: it takes what a register really did, and nothing that no register does.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkRegister, type RegisterOperation } from "./linearizability.ts";
import { Seeded } from "./seeded.ts";

/** One step of the world: a client calls, or what it called takes effect, or it is answered, or never will be. */
type Step = {
  readonly client: number;
  readonly kind: "read" | "write" | "swap";
  readonly lost: "no" | "before" | "after";
};

const steps = fc.array(
  fc.record<Step>({
    client: fc.nat(5),
    kind: fc.constantFrom("read", "write", "swap"),
    lost: fc.constantFrom("no", "no", "no", "no", "before", "after"),
  }),
  { maxLength: 120, size: "max" },
);

interface Call {
  readonly kind: Step["kind"];
  readonly calledAt: number;
  effect?: { readonly found?: string | null; readonly wrote?: string };
}

/** What clients see of a register that does one thing after the other. Each step takes one client to its next moment. */
function played(script: readonly Step[]): RegisterOperation[] {
  const history: RegisterOperation[] = [];
  const calls = new Map<number, Call>();
  let value: string | null = null;
  const take = (call: Call, now: number) => {
    const found = call.kind === "write" ? {} : { found: value };
    const wrote = call.kind === "read" ? {} : { wrote: `v${now}` };
    call.effect = { ...found, ...wrote };
    value = call.effect.wrote ?? value;
  };
  for (const [now, { client, kind, lost }] of script.entries()) {
    const call = calls.get(client);
    if (call === undefined) calls.set(client, { kind, calledAt: now });
    else if (call.effect === undefined && lost !== "before") {
      take(call, now);
    } else {
      calls.delete(client);
      const { calledAt, effect } = call;
      if (effect !== undefined && lost !== "after") history.push({ calledAt, answeredAt: now, ...effect });
      else history.push({ calledAt, answeredAt: undefined, wrote: effect?.wrote ?? `never ${now}` });
    }
  }
  // What nobody has heard of, but may have taken effect.
  for (const { calledAt, effect } of calls.values()) {
    if (effect?.wrote !== undefined) history.push({ calledAt, answeredAt: undefined, wrote: effect.wrote });
  }
  return history.map(onlySurelySeen);
}

/** One that writes where it has looked, and got no answer, can only be told to have written. */
function onlySurelySeen(operation: RegisterOperation): RegisterOperation {
  const { calledAt, answeredAt, wrote } = operation;
  return answeredAt === undefined && wrote !== undefined ? { calledAt, answeredAt, wrote } : operation;
}

/** Every order is tried. For short histories only. */
function slowly(history: readonly RegisterOperation[], value: string | null): boolean {
  const answered = history.filter(({ answeredAt }) => answeredAt !== undefined);
  if (answered.length === 0) return true;
  const firstAnswer = Math.min(...answered.map(({ answeredAt = 0 }) => answeredAt));
  return history.some((next) => {
    const { calledAt, found, wrote } = next;
    if (calledAt > firstAnswer || (found !== undefined && found !== value)) return false;
    return slowly(
      history.filter((other) => other !== next),
      wrote ?? value,
    );
  });
}

describe("the check of a register's history", () => {
  it("takes whatever a register did", () => {
    fc.assert(
      fc.property(steps, (script) => {
        assert.deepEqual(checkRegister(played(script), null), { ok: true });
      }),
      { numRuns: 500 },
    );
  });

  it("finds a read of what was overwritten before it", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (script, choice) => {
        const history = played(script);
        const stale = history.flatMap((read, at) => {
          const { calledAt, answeredAt, wrote } = read;
          if (answeredAt === undefined || wrote !== undefined) return [];
          const last = history.filter(
            (write) => write.wrote !== undefined && (write.answeredAt ?? calledAt) < calledAt,
          );
          const old = last.filter((write) => last.some((later) => later.calledAt > (write.answeredAt ?? calledAt)));
          return old.map((write) => history.with(at, { ...read, found: write.wrote ?? null }));
        });
        fc.pre(stale.length > 0);
        assert.equal(checkRegister(stale[choice % stale.length] ?? [], null).ok, false);
      }),
      { numRuns: 300 },
    );
  });

  it("finds a read of what was not yet, or never, written", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (script, choice) => {
        const history = played(script);
        const early = history.flatMap((read, at) => {
          const { answeredAt, wrote } = read;
          if (answeredAt === undefined || wrote !== undefined) return [];
          const later = history.filter((write) => write.wrote !== undefined && write.calledAt > answeredAt);
          const values = [...later.map((write) => write.wrote ?? null), "nobody's"];
          return values.map((found) => history.with(at, { ...read, found }));
        });
        fc.pre(early.length > 0);
        assert.equal(checkRegister(early[choice % early.length] ?? [], null).ok, false);
      }),
      { numRuns: 300 },
    );
  });

  it("says the same as a search through every order", () => {
    const verdicts = { yes: 0, no: 0 };
    fc.assert(
      fc.property(steps, fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 0, maxLength: 3 }), (script, changes) => {
        let history = played(script.slice(0, 24));
        const values = [null, ...history.flatMap(({ wrote }) => wrote ?? [])];
        for (const [at, value] of changes) {
          const place = at % Math.max(history.length, 1);
          const operation = history[place];
          if (operation?.found === undefined) continue;
          history = history.with(place, { ...operation, found: values[value % values.length] ?? null });
        }
        const { ok } = checkRegister(history, null);
        assert.equal(ok, slowly(history, null));
        verdicts[ok ? "yes" : "no"] += 1;
      }),
      { numRuns: 1_000 },
    );
    assert.ok(verdicts.yes > 50 && verdicts.no > 50, JSON.stringify(verdicts));
  });

  it("finds a write that takes effect twice", () => {
    const verdict = checkRegister(
      [
        { calledAt: 1, answeredAt: 20, wrote: "a" },
        { calledAt: 2, answeredAt: 3, found: "a" },
        { calledAt: 4, answeredAt: 5, wrote: "b" },
        { calledAt: 6, answeredAt: 7, found: "b" },
        { calledAt: 21, answeredAt: 22, found: "a" },
      ],
      null,
    );
    assert.equal(verdict.ok, false);
    assert.match(verdict.why, /> 4\.\.5 wrote b/);
  });

  it("takes one without an answer at any moment after its call, or never", () => {
    const lost = { calledAt: 1, answeredAt: undefined, wrote: "a" };
    const b = { calledAt: 2, answeredAt: 3, wrote: "b" };
    const read = (at: number, found: string) => ({ calledAt: at, answeredAt: at + 1, found });
    assert.equal(checkRegister([lost, b, read(4, "b"), read(6, "a"), read(8, "a")], null).ok, true);
    assert.equal(checkRegister([lost, b, read(4, "b")], null).ok, true);
    assert.equal(checkRegister([lost, b, read(4, "b"), read(6, "a"), read(8, "b")], null).ok, false);
  });

  it("is fast where many clients are at it for long", () => {
    const random = new Seeded(1);
    const kinds: Record<Step["kind"], number> = { read: 5, write: 4, swap: 1 };
    const script = Array.from({ length: 20_000 }, () => {
      const lost = random.weighted({ no: 40, before: 1, after: 1 });
      return { client: random.integer(0, 49), kind: random.weighted(kinds), lost };
    });
    assert.deepEqual(checkRegister(played(script), null), { ok: true });
  });
});
