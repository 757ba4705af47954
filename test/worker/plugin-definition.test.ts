// What is refused when a plugin or a worker is defined, before anything is served.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { definePlugin } from "../../src/worker/plugin/define-plugin.ts";
import { HTTPSubjectError } from "../../src/worker/plugin/http-subject.ts";
import { operation } from "../../src/worker/plugin/operation.ts";
import type { PluginRequest } from "../../src/worker/plugin/plugin-request.ts";
import { request } from "../../src/worker/plugin/request-factory.ts";
import { serve } from "../../src/worker/serve.ts";

const named = (id: string) => operation({ id, handler: () => 1 });

suite("definition", () => {
  test("ids follow the grammar of gestaltd's catalog", () => {
    for (const id of ["a", "a.b", "issues.create_2", "A-b.c-D", "_x", "0"]) {
      assert.equal(definePlugin({ operations: [named(id)] }).kind, "plugin");
    }
    for (const id of ["", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a b", "a/b", "ü", "a\n"]) {
      assert.throws(() => definePlugin({ operations: [named(id)] }), /is no operation id/, JSON.stringify(id));
    }
  });

  test("ids are unique, present, and the key they stand under", () => {
    assert.throws(() => definePlugin({ operations: [named("a"), named("a")] }), /two operations have the id "a"/);
    assert.throws(() => definePlugin({ operations: [operation({ handler: () => 1 })] }), /needs an id/);
    assert.throws(() => definePlugin({ operations: { b: named("a") } }), /"a" stands under the key "b"/);
  });

  test("annotations do not contradict each other", () => {
    const torn = operation({ id: "a", readOnly: true, annotations: { readOnly: false }, handler: () => 1 });
    assert.throws(() => definePlugin({ operations: [torn] }), /both that it is read-only and that it is not/);
  });

  test("provider names can stand in a path", () => {
    const plugin = definePlugin({ operations: [named("a")] });
    assert.equal(typeof serve({ "my-plugin_2": plugin }).fetch, "function");
    for (const name of ["", "a/b", "-a", "a b", "ü"]) {
      assert.throws(() => serve({ [name]: plugin }), /is no provider name/);
    }
  });

  test("a handler runs by itself with a request made for it", () => {
    const handler = ({ n }: { n: number }, { token, config, subject }: PluginRequest<{ factor: number }>) => ({
      product: n * config.factor,
      token,
      subject,
    });
    const made = request({ config: { factor: 3 }, token: "t" });
    assert.deepEqual(handler({ n: 2 }, made), { product: 6, token: "t", subject: undefined });
    assert.equal(made.signal.aborted, false);
  });

  test("an HTTP subject is refused with a status that refuses", () => {
    assert.equal(new HTTPSubjectError(401, "x").status, 401);
    for (const status of [0, 200, 399, 600, 403.5]) assert.throws(() => new HTTPSubjectError(status, "x"), RangeError);
  });
});
