// What a bundle weighs: a ceiling for each form, so that nothing heavy slips in unnoticed.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { bundle } from "../support/worker-harness.ts";

/**
 * Bytes after gzip -9, a little over what was measured: 95.2 kB with zod and 80.4 kB with zod/mini. The libraries that do the
 * work make some 78 kB of the first: zod 26, protobuf with its JSON 32, connect 8, hono 6, jose 6. What only workers with a
 * channel need, clients of host services above all, must not be in it. Cloudflare's limit on the free plan is 3 MB.
 */
const CEILINGS = { "one-operation": 95_700, "one-operation-mini": 80_900 };

suite("bundle", { timeout: 30_000 }, () => {
  for (const [name, ceiling] of Object.entries(CEILINGS)) {
    test(`${name} stays under ${ceiling} bytes and needs nothing of Node`, async () => {
      const text = await bundle(new URL(`./${name}.worker.ts`, import.meta.url), true);
      const size = gzipSync(text, { level: 9 }).byteLength;
      assert.ok(size < ceiling, `${size} bytes`);
      assert.doesNotMatch(text, /from\s*"node:|require\("node:/);
    });
  }
});
