// Texts as GET sends them against JSON Schemas: what becomes what, for any value at all.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import * as z from "zod";
import type { JsonObject, JsonValue } from "../../src/wire/session-token.ts";
import { coerceParameters } from "../../src/worker/plugin/coerce.ts";
import { jsonSchema } from "../../src/worker/plugin/json-schema.ts";

const coerced = (schema: z.ZodType, value: JsonValue): JsonValue | undefined =>
  coerceParameters({ value }, jsonSchema(z.object({ value: schema }), "input")).value;

const json = fc.jsonValue() as fc.Arbitrary<JsonValue>;

suite("coercion", () => {
  test("a text stays a text wherever the schema takes it", () => {
    for (const schema of [z.string(), z.string().optional(), z.union([z.number(), z.string()]), z.any(), z.unknown()]) {
      fc.assert(fc.property(fc.string(), (text) => coerced(schema, text) === text));
    }
    for (const text of ["1", "true", "null", "[1]", '{"a":1}', "007"]) assert.equal(coerced(z.string(), text), text);
  });

  test("every integer and every number comes back from its text", () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => coerced(z.int(), String(value)) === value));
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(finite, (value) => {
        if (Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value))) return true;
        return Object.is(coerced(z.number(), Object.is(value, -0) ? "-0" : String(value)), value);
      }),
    );
  });

  test("a text that is no number of the asked kind stays, so that the schema refuses it", () => {
    const texts = [
      "",
      " 1",
      "1 ",
      "+1",
      "0x10",
      "1e999",
      "NaN",
      "Infinity",
      "1,5",
      "1.",
      ".5",
      "9007199254740993",
      "１",
    ];
    for (const text of texts) assert.equal(coerced(z.number(), text), text, text);
    assert.equal(coerced(z.int(), "1.5"), "1.5");
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = coerced(z.number(), text);
        return value === text || (typeof value === "number" && value === Number(text) && text.trim() === text);
      }),
    );
  });

  test("booleans are `true` and `false` and nothing else", () => {
    assert.deepEqual([coerced(z.boolean(), "true"), coerced(z.boolean(), "false")], [true, false]);
    for (const text of ["TRUE", "1", "0", "yes", ""]) assert.equal(coerced(z.boolean(), text), text);
  });

  test("lists and objects come as JSON text, and one text is a list of one", () => {
    assert.deepEqual(coerced(z.array(z.string()), "a"), ["a"]);
    assert.deepEqual(coerced(z.array(z.int()), "5"), [5]);
    assert.deepEqual(coerced(z.array(z.int()), "[5,6]"), [5, 6]);
    assert.deepEqual(coerced(z.array(z.int()), ["5", "6"]), [5, 6]);
    assert.deepEqual(coerced(z.array(z.string()), ["5", "true"]), ["5", "true"]);
    assert.deepEqual(coerced(z.array(z.string()), "[broken"), ["[broken"]);
    assert.deepEqual(coerced(z.object({ a: z.int() }), '{"a":1}'), { a: 1 });
    assert.equal(coerced(z.object({ a: z.int() }), "{broken"), "{broken");
    fc.assert(
      fc.property(fc.array(json), (list) => {
        assert.deepEqual(coerced(z.array(z.json()), JSON.stringify(list)), JSON.parse(JSON.stringify(list)));
      }),
    );
  });

  test("enums, literals, unions, nullables, references and records are looked into", () => {
    assert.equal(coerced(z.union([z.enum(["1", "a"]), z.int()]), "1"), "1");
    assert.equal(coerced(z.union([z.enum(["b", "a"]), z.int()]), "1"), 1);
    assert.equal(coerced(z.literal(5), "5"), 5);
    assert.equal(coerced(z.literal(5), "6"), "6");
    assert.equal(coerced(z.literal([1, 2]), "2"), 2);
    assert.equal(coerced(z.int().nullable(), "5"), 5);
    assert.equal(coerced(z.int().optional().default(3), "5"), 5);
    assert.equal(coerced(z.stringbool(), "true"), "true");
    assert.equal(coerced(z.date(), "2020"), "2020");
    const node: z.ZodType = z.object({ size: z.int(), next: z.lazy(() => node).optional() });
    assert.deepEqual(coerceParameters({ size: "1" }, jsonSchema(node, "input")), { size: 1 });
    assert.deepEqual(coerceParameters({ any: "1" }, jsonSchema(z.record(z.string(), z.int()), "input")), { any: 1 });
    const both = z.intersection(z.object({ a: z.int() }), z.object({ b: z.boolean() }));
    assert.deepEqual(coerceParameters({ a: "1", b: "true" }, jsonSchema(both, "input")), { a: 1, b: true });
  });

  test("what is no text is never touched, whatever the schema", () => {
    const schemas = [z.string(), z.int(), z.boolean(), z.object({ a: z.int() }), z.record(z.string(), z.number())];
    fc.assert(
      fc.property(json, fc.constantFrom(...schemas), (value, schema) => {
        if (typeof value === "string" || Array.isArray(value)) return;
        assert.deepEqual(coerced(schema, value), value);
      }),
    );
  });

  test("names that objects have anyway are ordinary names", () => {
    const schema = jsonSchema(z.object({ value: z.int() }), "input");
    const params = JSON.parse('{"__proto__":"1","constructor":"2","toString":"3","value":"4"}') as JsonObject;
    assert.deepEqual(Object.entries(coerceParameters(params, schema)), [
      ["__proto__", "1"],
      ["constructor", "2"],
      ["toString", "3"],
      ["value", 4],
    ]);
  });
});
