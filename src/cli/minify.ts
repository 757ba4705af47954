// Makes the bundle that is deployed smaller: half the bytes to parse at a cold start, a quarter less as gzip.
import { transform } from "esbuild";
import type { WorkerBundle } from "../bridge/embedded/bundle.ts";

/**
 * The same bundle with its code minified. Functions and classes keep their names, and the source map leads back to the
 * sources, so that a stack can be read. The digest stays: it names what the project is, and an embedded worker, which is
 * never minified, must match a pin too.
 */
export async function minified(bundle: WorkerBundle): Promise<WorkerBundle> {
  const map = Buffer.from(bundle.sourceMap).toString("base64");
  const { code, map: sourceMap } = await transform(
    `${bundle.code}\n//# sourceMappingURL=data:application/json;base64,${map}`,
    { format: "esm", minify: true, keepNames: true, sourcemap: "external", target: "es2024" },
  );
  const bytes = bundle.bytes - Buffer.byteLength(bundle.code) + Buffer.byteLength(code);
  return { ...bundle, code, sourceMap, bytes };
}
