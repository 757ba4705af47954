// IndexedDB on the edge beside the same work on Node's own SQLite in process, and what a call costs as records grow.
import { embeddedDatabases } from "../embedded-databases.ts";
import { type Bursts, inTurns } from "../indexeddb/bursts.ts";
import { Edge } from "../indexeddb/edge.ts";
import { Floor } from "../indexeddb/floor.ts";
import * as work from "../indexeddb/work.ts";
import { measureLoad } from "../load.ts";
import { cpuSeconds } from "../process-usage.ts";
import { printTable } from "../table.ts";
import type { Reached } from "../targets.ts";

/** Records of each database, which has one store and two indexes. */
const SIZES = [1_000, 10_000, 100_000] as const;

/** What is measured beside the floor, in the largest database. */
const BESIDE: readonly work.Work[] = [
  work.GET,
  work.PUT,
  work.range(1_000),
  work.indexRange(100),
  work.STEP,
  work.TRANSACTION,
];

/** What must cost the same, however many records there are. */
const FLAT: readonly work.Work[] = [
  work.GET,
  work.PUT,
  work.INDEX_GET,
  work.TEAM_GET,
  work.range(10),
  work.indexRange(10),
  work.count(10),
  work.STEP,
  work.RANK_STEP,
  work.TRANSACTION,
];

/** Records that come back at a time, where their number is what costs. */
const LENGTHS = [10, 100, 1_000] as const;

/** What counts as the same: a tree of 100,000 has a page more on the way to each record. */
const FLAT_WITHIN = 1.5;

const LOAD = { callers: 32, duration: 1_500, warmUp: 300 };

interface Database {
  readonly edge: Edge;
  readonly floor: Floor;
  /** What works for the edge's. */
  readonly pids: readonly number[];
}

export async function indexedDBGroup(): Promise<Reached[]> {
  await using embedded = await embeddedDatabases();
  using closing = new DisposableStack();
  const databases: Database[] = [];
  for (const size of SIZES) {
    const { grpc, pids } = await embedded.open(String(size));
    const floor = closing.use(new Floor(embedded.folder, size));
    databases.push({ edge: await Edge.open(grpc, size), floor, pids });
  }
  const [small, , large] = databases as [Database, Database, Database];
  for (const each of [...BESIDE, ...FLAT]) await answersAlike(each, small);
  await besideFloor(large);
  const rising = await asRecordsGrow(databases);
  return [...rising, ...(await asAnswersGrow(large))];
}

/** What comes back of the edge has a few bytes more around each record, and keys with a cursor's. */
async function answersAlike({ name, records, task }: work.Work, { edge, floor }: Database): Promise<void> {
  const [answer, wanted] = [await task(edge, 1)(), await task(floor, 1)()];
  await edge.settle();
  floor.settle();
  const most = wanted + 64 * records;
  if (answer < wanted || answer > most) throw new Error(`${name}: answered ${answer}, the floor ${wanted}`);
}

async function besideFloor({ edge, floor, pids }: Database): Promise<void> {
  const rows = [];
  for (const each of BESIDE) {
    const [here, there] = (await inTurns([edge, floor].map((rival) => ({ rival, work: each })))) as [Bursts, Bursts];
    rows.push({
      work: each.name,
      "p50 ms": here.p50,
      "p99 ms": here.p99,
      ...(await underLoad(each, edge, pids)),
      "floor p50 µs": there.p50 * 1_000,
      "floor p99 µs": there.p99 * 1_000,
      "floor calls/s": Math.round(1_000 / there.quiet),
      "p50 ÷ floor": here.p50 / there.p50,
    });
  }
  const title = `IndexedDB, ${edge.count.toLocaleString("en")} records: alone, and with ${LOAD.callers} callers; the floor is node:sqlite in process`;
  printTable(title, rows);
}

async function underLoad({ task }: work.Work, edge: Edge, pids: readonly number[]) {
  const tasks = Array.from({ length: 2 * work.CYCLE }, (_, number) => task(edge, number));
  let calls = 0;
  const before = cpuSeconds(pids);
  const load = await measureLoad(async () => void (await tasks[calls++ % tasks.length]?.()), LOAD);
  const cpu = (cpuSeconds(pids) - before) / calls;
  await edge.settle();
  return { "calls/s": Math.round(load.rate), "CPU µs/call": Math.round(cpu * 1e6) };
}

async function asRecordsGrow(databases: readonly Database[]): Promise<Reached[]> {
  const rows = [];
  const reached: Reached[] = [];
  for (const each of FLAT) {
    const edge = await inTurns(databases.map(({ edge }) => ({ rival: edge, work: each })));
    const floor = await inTurns(databases.map(({ floor }) => ({ rival: floor, work: each })));
    rows.push({
      work: each.name,
      ...Object.fromEntries(edge.map(({ quiet }, at) => [`${grouped(SIZES[at])}, ms`, quiet])),
      "largest ÷ smallest": growth(edge),
      "floor's": growth(floor),
    });
    reached.push({ what: `${each.name}: at 100,000 records ÷ at 1,000`, value: growth(edge), atMost: FLAT_WITHIN });
  }
  printTable("IndexedDB, one call as records grow", rows);
  return reached;
}

async function asAnswersGrow(database: Database): Promise<Reached[]> {
  const rows = [];
  const reached: Reached[] = [];
  for (const [name, kind] of Object.entries({ range: work.range, "index range": work.indexRange })) {
    for (const who of ["edge", "floor"] as const) {
      const rival = database[who];
      const measured = await inTurns(LENGTHS.map((length) => ({ rival, work: kind(length) })));
      const [few = NaN, some = NaN, many = NaN] = measured.map(({ quiet }) => quiet);
      const each = ((many - few) / (LENGTHS[2] - LENGTHS[0])) * 1_000;
      rows.push({
        work: `${name}, ${who}`,
        "10, ms": few,
        "100, ms": some,
        "1,000, ms": many,
        "each further, µs": each,
      });
      // A call costs something by itself, so ten times the records are less than ten times the cost.
      if (who === "edge")
        reached.push({ what: `${name}: 1,000 records ÷ 100 records`, value: many / some, atMost: 10 });
    }
  }
  printTable("IndexedDB, one call as its answer grows, in 100,000 records", rows);
  return reached;
}

function growth(measured: readonly Bursts[]): number {
  return (measured.at(-1)?.quiet ?? Number.NaN) / (measured[0]?.quiet ?? Number.NaN);
}

const grouped = (count: number | undefined) => (count ?? 0).toLocaleString("en");
