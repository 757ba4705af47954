// What the databases of the bench are asked to do.

/** Does the work once; answers how many bytes of records came back, or how many records a count says there are. */
export type Task = () => number | Promise<number>;

/**
 * A database full of people, whichever way it is reached. What each task needs is made beforehand, so that making it
 * counts for nobody.
 */
export interface Rival {
  /** Records in it. */
  readonly count: number;
  /** How many times the calls a burst of it has, for one that is done too soon to be measured well. */
  readonly speed: number;
  get(at: number): Task;
  /** Over the one there is; see `personOf` for `moved`. */
  put(at: number, moved: boolean): Task;
  /** Records in the order of their primary keys. */
  range(from: number, records: number): Task;
  /** Records in the order of the index. */
  rankRange(from: number, records: number): Task;
  /** The first one by the index. */
  ofRank(rank: number): Task;
  ofTeam(team: number): Task;
  countRange(from: number, records: number): Task;
  /** The next record of a cursor over all of the store, which is opened if none is free. */
  step(): Task;
  /** The same by the index on ranks. */
  rankStep(): Task;
  /** Reads one half of the records and writes the other. */
  transaction(ats: readonly number[], moved: boolean): Task;
  /** Closes what cursors there are. */
  settle(): Promise<void> | void;
}

export interface Work {
  readonly name: string;
  /** How often it is done at a time: for some 50 ms. */
  readonly calls: number;
  /** Records that come back, or are written. */
  readonly records: number;
  /** The task with this number, of any. */
  task(rival: Rival, number: number): Task;
}

export const GET: Work = {
  name: "get",
  calls: 100,
  records: 1,
  task: (rival, number) => rival.get(pick(rival, number)),
};

export const PUT: Work = {
  name: "put, which moves it in an index",
  calls: 60,
  records: 1,
  task: (rival, number) => rival.put(pick(rival, cycled(number)), moves(number)),
};

export const INDEX_GET: Work = {
  name: "get by an index, 1 of 1",
  calls: 100,
  records: 1,
  task: (rival, number) => rival.ofRank(pick(rival, number)),
};

export const TEAM_GET: Work = {
  name: "get by an index, 1 of a tenth",
  calls: 100,
  records: 1,
  task: (rival, number) => rival.ofTeam(number),
};

export const STEP: Work = { name: "cursor step", calls: 300, records: 1, task: (rival) => rival.step() };

export const RANK_STEP: Work = {
  name: "cursor step, index",
  calls: 300,
  records: 1,
  task: (rival) => rival.rankStep(),
};

export const TRANSACTION: Work = {
  name: "transaction of 10 operations",
  calls: 10,
  records: 10,
  task: (rival, number) => {
    const ats = Array.from({ length: 10 }, (_, each) => pick(rival, cycled(number) * 10 + each));
    return rival.transaction(ats, moves(number));
  },
};

export function range(records: number): Work {
  return {
    name: `range of ${records.toLocaleString("en")}`,
    calls: callsFor(records),
    records,
    task: (rival, number) => rival.range(pick(rival, number, records), records),
  };
}

export function indexRange(records: number): Work {
  return {
    name: `index range of ${records.toLocaleString("en")}`,
    calls: callsFor(records),
    records,
    task: (rival, number) => rival.rankRange(pick(rival, number, records), records),
  };
}

export function count(records: number): Work {
  return {
    name: `count of ${records.toLocaleString("en")}`,
    calls: callsFor(records),
    records,
    task: (rival, number) => rival.countRange(pick(rival, number, records), records),
  };
}

function callsFor(records: number): number {
  return records > 100 ? 12 : 60;
}

/** A place all over the store, none twice until all had their turn; so that `records` from there on exist. */
function pick({ count }: Rival, number: number, records = 1): number {
  return (number * STRIDE) % (count - records + 1);
}

/** A prime. */
const STRIDE = 617;

/** So many records are written with one rank, then the same with the other, so that each write changes the index. */
export const CYCLE = 250;

function cycled(number: number): number {
  return Math.floor(number / (2 * CYCLE)) * CYCLE + (number % CYCLE);
}

function moves(number: number): boolean {
  return Math.floor(number / CYCLE) % 2 === 0;
}
