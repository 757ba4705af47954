// Prints rows of figures as a table that lines up, for people.

export type Row = Readonly<Record<string, string | number>>;

/** Writes a title and the rows below it; numbers stand right, text left. The first row names the columns. */
export function printTable(title: string, rows: readonly Row[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => formatCell(row[column])));
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((line) => line[at]?.length ?? 0)));
  const numeric = columns.map((column) => rows.every((row) => typeof row[column] === "number" || row[column] === ""));
  const line = (texts: readonly string[]) =>
    texts.map((text, at) => (numeric[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0))).join("  ");
  process.stdout.write(`\n${title}\n${line(columns)}\n${widths.map((width) => "─".repeat(width)).join("  ")}\n`);
  for (const texts of cells) process.stdout.write(`${line(texts).trimEnd()}\n`);
}

function formatCell(value: string | number | undefined): string {
  if (typeof value !== "number") return value ?? "";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return value.toString();
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
