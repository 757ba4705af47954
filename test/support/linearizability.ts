// Whether what several clients saw of one register can be put into one order: each operation at some moment between its call and its
// answer, and each read with the value before it (Herlihy and Wing). The search is Wing and Gong's, with Lowe's memory of the states
// it has seen.

/** What one client did to a register, and saw of it. Moments are numbers that grow; no two are the same. */
export interface RegisterOperation {
  readonly calledAt: number;
  /** Undefined when there was no answer: it may take effect at any moment after its call, or never. */
  readonly answeredAt: number | undefined;
  /** What it found; for one that looks and was answered. `null` is a value like any other. */
  readonly found?: string | null;
  /** What it left behind; for one that writes. No two of a history may write the same. */
  readonly wrote?: string;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly why: string };

export function checkRegister(history: readonly RegisterOperation[], initial: string | null): Verdict {
  return new Search(relevant(history)).from(initial);
}

/** Without what proves nothing: reads without an answer, and writes without one that nobody has seen. */
function relevant(history: readonly RegisterOperation[]): RegisterOperation[] {
  const found = new Set(history.map((operation) => operation.found));
  return history.filter(
    ({ answeredAt, wrote }) => answeredAt !== undefined || (wrote !== undefined && found.has(wrote)),
  );
}

/** What has taken effect so far: all that has an answer and stands before place `first`, and those of `beyond`. */
interface State {
  readonly first: number;
  /** Places, ascending. Those without an answer stay here. */
  readonly beyond: readonly number[];
  readonly value: string | null;
}

/** Most operations around the place where it went wrong that a verdict shows. */
const SHOWN = 16;

class Search {
  /** In the order of their calls. */
  readonly #operations: readonly RegisterOperation[];
  /** Places of those without an answer. */
  readonly #unanswered: readonly number[];
  /** Places of those with an answer, by the value they found. */
  readonly #finders: ReadonlyMap<string | null | undefined, readonly number[]>;

  constructor(operations: readonly RegisterOperation[]) {
    const written = operations.flatMap(({ wrote }) => (wrote === undefined ? [] : [wrote]));
    if (new Set(written).size < written.length) throw new Error("two operations of the history write the same");
    this.#operations = [...operations].sort((one, other) => one.calledAt - other.calledAt);
    this.#unanswered = this.#operations.flatMap(({ answeredAt }, place) => (answeredAt === undefined ? [place] : []));
    const answered = [...this.#operations.keys()].filter((place) => this.#at(place).answeredAt !== undefined);
    this.#finders = Map.groupBy(answered, (place) => this.#at(place).found);
  }

  from(initial: string | null): Verdict {
    const start = this.#settled({ first: 0, beyond: [], value: initial });
    const seen = new Set<string>();
    const open = [start];
    let furthest = start;
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (state.first === this.#operations.length) return { ok: true };
      if (state.first > furthest.first) furthest = state;
      for (const next of this.#successors(state)) {
        const key = `${next.first} ${next.beyond.join(" ")} ${next.value}`;
        if (seen.has(key)) continue;
        seen.add(key);
        open.push(next);
      }
    }
    return { ok: false, why: this.#describe(furthest) };
  }

  /** The states one operation further on. The last one is the likeliest. */
  #successors(state: State): State[] {
    return this.#nextOf(state).map((place) => {
      const beyond = [...state.beyond, place].sort((one, other) => one - other);
      return this.#settled({ first: state.first, beyond, value: this.#at(place).wrote ?? state.value });
    });
  }

  /** Two rules spare most of the search. Both rest on each value being written once. */
  #nextOf(state: State): number[] {
    const candidates = this.#candidates(state);
    const done = new Set(state.beyond);
    const finders = (this.#finders.get(state.value) ?? []).filter((place) => place >= state.first && !done.has(place));
    const ready = finders.filter((place) => candidates.includes(place));
    const isLook = (place: number) => this.#at(place).wrote === undefined;
    // A mere look changes nothing, so that it may as well be first.
    if (finders.some(isLook)) return ready.filter(isLook).slice(0, 1);
    // Once overwritten, the value is never found again.
    if (finders.length > 0) return ready;
    const writes = candidates.filter((place) => this.#at(place).found === undefined);
    // What nobody finds disturbs nobody now.
    const unseen = writes.find((place) => !this.#finders.has(this.#at(place).wrote ?? null));
    return unseen === undefined ? writes : [unseen];
  }

  /** What may take effect next was called before the first answer that is still to be explained. */
  #candidates({ first, beyond }: State): number[] {
    const done = new Set(beyond);
    const candidates = this.#unanswered.filter((place) => place < first && !done.has(place));
    let firstAnswer = Number.POSITIVE_INFINITY;
    for (let place = first; place < this.#operations.length; place++) {
      const { calledAt, answeredAt } = this.#at(place);
      if (calledAt > firstAnswer) break;
      if (done.has(place)) continue;
      candidates.push(place);
      firstAnswer = Math.min(firstAnswer, answeredAt ?? firstAnswer);
    }
    return candidates;
  }

  /** The same state told in the shortest way, so that it is known again whichever way led to it. */
  #settled({ first, beyond, value }: State): State {
    const done = new Set(beyond);
    let at = first;
    while (at < this.#operations.length && (done.has(at) || this.#at(at).answeredAt === undefined)) at += 1;
    const left = beyond.filter((place) => place >= at || this.#at(place).answeredAt === undefined);
    return { first: at, beyond: left, value };
  }

  #at(place: number): RegisterOperation {
    return this.#operations[place] as RegisterOperation;
  }

  #describe({ first, value }: State): string {
    const from = Math.max(0, first - SHOWN / 2);
    const lines = this.#operations.slice(from, from + SHOWN).map((operation, at) => {
      const { calledAt, answeredAt = "?", found, wrote } = operation;
      const saw = found === undefined ? "" : ` found ${found}`;
      const did = wrote === undefined ? "" : ` wrote ${wrote}`;
      return `${from + at === first ? ">" : " "} ${calledAt}..${answeredAt}${saw}${did}`;
    });
    return [`no order explains what comes from the mark on, where the value would be ${value}:`, ...lines].join("\n");
  }
}
