#!/usr/bin/env node
// Prints the wire table of package gestalt.provider.v1 from a Buf image in JSON
// (`buf build proto -o image.json`), one fact per line, sorted, so that two
// tables can be compared with `diff`.
//
//   node scripts/wire-table.mjs image.json                 print the table
//   node scripts/wire-table.mjs image.json --against TSV   compare; exit 1 on a difference
//
// Rows (tab-separated):
//   message  <message>
//   field    <message>  <number>  <name>  <type>  <label>  <oneof or ->
//   reserved <message>  <from>-<to>
//   enum     <enum>     <number>  <value>
//   rpc      <service>  <method>  <request>  <response>  <unary|server|client|bidi>
import { readFileSync } from "node:fs";

const PACKAGE = "gestalt.provider.v1";
const [imagePath, flag, expectedPath] = process.argv.slice(2);
if (!imagePath || (flag && flag !== "--against") || (flag && !expectedPath)) {
  console.error("usage: wire-table.mjs image.json [--against table.tsv]");
  process.exit(2);
}

const image = JSON.parse(readFileSync(imagePath, "utf8"));
const rows = [];
const short = (name) => (name ?? "").replace(/^\./, "");
const scalar = (t) => (t ?? "").replace(/^TYPE_/, "").toLowerCase();

function addMessage(prefix, message) {
  const name = `${prefix}.${message.name}`;
  const maps = new Map();
  for (const nested of message.nestedType ?? []) {
    if (nested.options?.mapEntry) {
      const [key, value] = [1, 2].map((n) => nested.field.find((f) => f.number === n));
      maps.set(
        `${name}.${nested.name}`,
        `map<${scalar(key.type)},${value.typeName ? short(value.typeName) : scalar(value.type)}>`,
      );
    } else addMessage(name, nested);
  }
  rows.push(["message", name]);
  for (const f of message.field ?? []) {
    const target = short(f.typeName);
    const map = maps.get(target);
    const type = map ?? (target || scalar(f.type));
    const label = map ? "map" : f.label === "LABEL_REPEATED" ? "repeated" : f.proto3Optional ? "optional" : "single";
    const oneof = f.oneofIndex !== undefined && !f.proto3Optional ? message.oneofDecl[f.oneofIndex].name : "-";
    rows.push(["field", name, String(f.number), f.name, type, label, oneof]);
  }
  for (const r of message.reservedRange ?? []) rows.push(["reserved", name, `${r.start}-${r.end - 1}`]);
  for (const e of message.enumType ?? []) addEnum(name, e);
}
function addEnum(prefix, e) {
  for (const v of e.value) rows.push(["enum", `${prefix}.${e.name}`, String(v.number ?? 0), v.name]);
}
for (const file of image.file) {
  if (file.package !== PACKAGE) continue;
  for (const m of file.messageType ?? []) addMessage(PACKAGE, m);
  for (const e of file.enumType ?? []) addEnum(PACKAGE, e);
  for (const s of file.service ?? [])
    for (const m of s.method)
      rows.push([
        "rpc",
        `${PACKAGE}.${s.name}`,
        m.name,
        short(m.inputType),
        short(m.outputType),
        m.clientStreaming ? (m.serverStreaming ? "bidi" : "client") : m.serverStreaming ? "server" : "unary",
      ]);
}
const lines = [...new Set(rows.map((r) => r.join("\t")))].sort();
if (!expectedPath) {
  console.log(lines.join("\n"));
} else {
  const expected = readFileSync(expectedPath, "utf8").split("\n").filter(Boolean);
  const have = new Set(lines),
    want = new Set(expected);
  const missing = expected.filter((l) => !have.has(l)),
    extra = lines.filter((l) => !want.has(l));
  for (const l of missing) console.log(`missing  ${l}`);
  for (const l of extra) console.log(`extra    ${l}`);
  console.log(`wire table: ${expected.length} facts, ${missing.length} missing, ${extra.length} extra`);
  process.exit(missing.length || extra.length ? 1 : 0);
}
