// The models that were ever in force, and which one is.
import { Model, type ModelContent } from "./model.ts";

export type ModelRow = {
  /** Counts the models as they were first written. */
  readonly number: number;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly created_at: number;
};

export class ModelTable {
  readonly #sql: SqlStorage;
  /** The model in force; null when there is none, undefined before the first look. */
  #active: Model | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  active(): Model | undefined {
    if (this.#active === undefined) {
      const query = "SELECT id, content FROM models JOIN active_model USING (number)";
      const [row] = this.#sql.exec<{ id: string; content: string }>(query);
      this.#active = row === undefined ? null : new Model(row);
    }
    return this.#active ?? undefined;
  }

  find(id: string): Model | undefined {
    if (this.active()?.id === id) return this.active();
    const [row] = this.#sql.exec<{ id: string; content: string }>("SELECT id, content FROM models WHERE id = ?", id);
    return row && new Model(row);
  }

  activeRow(): ModelRow | undefined {
    const query = "SELECT number, id, created_at FROM models JOIN active_model USING (number)";
    return this.#sql.exec<ModelRow>(query).toArray()[0];
  }

  /** The newest first, from before `number`. */
  list(before: number | undefined, limit: number): ModelRow[] {
    const query = "SELECT number, id, created_at FROM models WHERE number < ? ORDER BY number DESC LIMIT ?";
    return this.#sql.exec<ModelRow>(query, before ?? Number.MAX_SAFE_INTEGER, limit).toArray();
  }

  /** Puts the model in force. One that is writes nothing: gestaltd comes with it every 5 seconds. To be called in a transaction. */
  write(model: ModelContent, now: number): void {
    if (this.active()?.id === model.id) return;
    this.#sql.exec(
      "INSERT INTO models (id, created_at, content) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
      model.id,
      now,
      model.content,
    );
    this.#sql.exec("DELETE FROM active_model");
    this.#sql.exec("INSERT INTO active_model (number) SELECT number FROM models WHERE id = ?", model.id);
    this.#active = undefined;
  }
}
