// What a bundle weighs: a ceiling for each form, so that nothing heavy slips in unnoticed.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { bundle } from "../support/worker-harness.ts";

/**
 * Bytes after gzip -9, a little over what was measured: 94 kB with zod, of which zod is 26 and protobuf 27, and 79 kB
 * with zod/mini. Cloudflare's limit on the free plan is 3 MB.
 */
const CEILINGS = { "one-operation": 96_000, "one-operation-mini": 81_000 };

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
