// The services behind a project's name are the node's own: a wrangler file cannot bind the one that has no guard.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { startEmbeddedNode } from "../../src/bridge/embedded/node.ts";

const PROJECT = join(import.meta.dirname, "detour");

it("a wrangler file cannot name the service without a guard", async (t) => {
  const state = mkdtempSync(join(tmpdir(), "gs-"));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  // As after a run with policies: guarded services and the open one are there from the start.
  writeFileSync(join(state, "egress-slots"), "2");
  const starting = startEmbeddedNode({ project: PROJECT, state });
  await assert.rejects(starting, /egress-detour--open", but no such service is defined/);
});
