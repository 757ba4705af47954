// A database as the first version of the schema left it, byte for byte: what later versions must go on reading. Never
// to be changed.

const TABLES = `
  CREATE TABLE schema_version (version INTEGER NOT NULL);
  INSERT INTO schema_version (version) VALUES (1);
  CREATE TABLE ids (next INTEGER NOT NULL);
  INSERT INTO ids (next) VALUES (4);
  CREATE TABLE stores (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, columns TEXT NOT NULL);
  CREATE TABLE indexes (
    id INTEGER PRIMARY KEY, store INTEGER NOT NULL, name BLOB NOT NULL, key_path TEXT NOT NULL,
    is_unique INTEGER NOT NULL
  );
  CREATE INDEX indexes_by_store ON indexes (store);
  CREATE TABLE records (
    id INTEGER PRIMARY KEY, store INTEGER NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, head BLOB NOT NULL
  );
  CREATE UNIQUE INDEX records_by_key ON records (store, key);
  CREATE TABLE pieces (
    record INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (record, number)
  );
  CREATE TABLE entries (
    index_id INTEGER NOT NULL, key BLOB NOT NULL, primary_key BLOB NOT NULL, kinds INTEGER NOT NULL,
    PRIMARY KEY (index_id, key, primary_key)
  ) WITHOUT ROWID;
`;

/** Store "people" with the indexes by_mail, unique, and by_n; three records. */
const ROWS = `
  INSERT INTO stores (id, name, columns) VALUES (1, x'70656f706c65', '[]');
  INSERT INTO indexes (id, store, name, key_path, is_unique) VALUES
    (2, 1, x'62795f6d61696c', '["mail"]', 1),
    (3, 1, x'62795f6e', '["n"]', 0);
  INSERT INTO records (id, store, key, size, head) VALUES
    (1, 1, x'616461', 39, x'0a0b0a026964120512036164610a0f0a046d61696c1207120561646140780a070a016e12021801'),
    (2, 1, x'eda0bdedb491', 48,
      x'0a0c0a02696412061204f09f94910a100a046d61696c120812066b65794078000a0e0a016e120921000000000000f83f'),
    (3, 1, x'626967', 41, x'0a0b0a026964120512036269670a0e0a016e12091881808080808080100a0a0a016212053a03000000');
  INSERT INTO entries (index_id, key, primary_key, kinds) VALUES
    (2, x'40616461407800', x'616461', 0),
    (3, x'20bff00000000000000000', x'616461', 0),
    (2, x'406b6579407800ff00', x'eda0bdedb491', 0),
    (3, x'20bff80000000000000000', x'eda0bdedb491', 1),
    (3, x'20c3400000000000000001', x'626967', 0);
`;

export function writeVersion1(sql: SqlStorage): void {
  sql.exec(TABLES);
  sql.exec(ROWS);
}
