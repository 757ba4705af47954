// The floor: the same records in Node's own SQLite, in this very process. Nothing is carried anywhere, no kinds, turns or
// versions are kept.
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { idOf, personOf, TEAMS, teamOf } from "./people.ts";
import type { Rival, Task } from "./work.ts";

/**
 * As durable as an object's file is under workerd, which sets the journal's mode and leaves `synchronous` at its default,
 * FULL: each commit is synced to disk before it is answered.
 */
const DURABILITY = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";

const TABLES = `
  CREATE TABLE people (id TEXT PRIMARY KEY, rank REAL NOT NULL, team TEXT NOT NULL, record BLOB NOT NULL);
  CREATE INDEX by_rank ON people (rank, id);
  CREATE INDEX by_team ON people (team, id);
`;

const PUT = `
  INSERT INTO people (id, rank, team, record) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET rank = excluded.rank, team = excluded.team, record = excluded.record`;
const GET = "SELECT record FROM people WHERE id = ?";

type Row = { readonly record: Uint8Array };

export class Floor implements Rival, Disposable {
  readonly count: number;
  readonly speed = 3;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #walks = new Map<string, Iterator<unknown>>();

  constructor(folder: string, count: number) {
    this.count = count;
    this.#database = new DatabaseSync(join(folder, `floor-${count}.sqlite`));
    this.#database.exec(DURABILITY + TABLES);
    this.#put = this.#database.prepare(PUT);
    this.#get = this.#database.prepare(GET);
    this.#database.exec("BEGIN");
    for (let at = 0; at < count; at++) this.put(at, false)();
    this.#database.exec("COMMIT");
  }

  get(at: number): () => number {
    const id = idOf(at);
    return () => bytesOf(this.#get.get(id));
  }

  put(at: number, moved: boolean): () => number {
    const { id, rank, team, record } = personOf(at, this.count, moved);
    return () => {
      this.#put.run(id, rank, team, record);
      return 0;
    };
  }

  range(from: number, records: number): Task {
    return this.#all("id >= ? AND id < ? ORDER BY id", idOf(from), idOf(from + records));
  }

  rankRange(from: number, records: number): Task {
    return this.#all("rank >= ? AND rank < ? ORDER BY rank, id", from, from + records);
  }

  ofRank(rank: number): Task {
    return this.#all("rank >= ? AND rank < ? ORDER BY rank, id LIMIT 1", rank, rank + 1);
  }

  ofTeam(team: number): Task {
    return this.#all("team = ? ORDER BY id LIMIT 1", teamOf(team % TEAMS));
  }

  countRange(from: number, records: number): Task {
    const count = this.#statement("SELECT COUNT(*) AS count FROM people WHERE id >= ? AND id < ?");
    const bounds = [idOf(from), idOf(from + records)];
    return () => Number(count.get(...bounds)?.count);
  }

  step(): Task {
    return () => this.#step("SELECT id, record FROM people ORDER BY id");
  }

  rankStep(): Task {
    return () => this.#step("SELECT rank, id, record FROM people ORDER BY rank, id");
  }

  transaction(ats: readonly number[], moved: boolean): Task {
    const half = ats.length / 2;
    const tasks = ats.map((at, number) => (number < half ? this.get(at) : this.put(at, moved)));
    return () => {
      this.#database.exec("BEGIN IMMEDIATE");
      const bytes = tasks.reduce((sum, task) => sum + task(), 0);
      this.#database.exec("COMMIT");
      return bytes;
    };
  }

  settle(): void {
    // A statement that has not come to its end would keep the log from being taken over into the file.
    for (const walk of this.#walks.values()) walk.return?.();
    this.#walks.clear();
  }

  [Symbol.dispose](): void {
    this.settle();
    this.#database.close();
  }

  #all(where: string, ...values: readonly SQLInputValue[]): Task {
    const select = this.#statement(`SELECT record FROM people WHERE ${where}`);
    return () => select.all(...values).reduce((sum, row) => sum + bytesOf(row), 0);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  #step(sql: string): number {
    const walk = this.#walks.get(sql) ?? this.#database.prepare(sql).iterate();
    const { done, value } = walk.next();
    if (done === true) this.#walks.delete(sql);
    else this.#walks.set(sql, walk);
    return done === true ? this.#step(sql) : bytesOf(value);
  }
}

function bytesOf(row: unknown): number {
  return (row as Row | undefined)?.record.byteLength ?? 0;
}
