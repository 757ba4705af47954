// Loads a part of the built bridge from its comment at the end of the very file it is built into. gestaltd copies one file, and a
// process must not pay for what it does not need: parsed, the working process' code would double the supervisor's own memory. A
// comment is passed over.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compileFunction, constants } from "node:vm";
import { type Part, splitComment } from "./part-comment.ts";

/** What a part finds in place of a module's usual variables. */
export interface PartScope {
  readonly module: { exports: unknown };
  readonly require: NodeJS.Require;
  /** For another part. */
  readonly loadPart: (part: Part) => unknown;
}

/** What the part in `filename` exports. It is run anew each time. */
export function loadPart(part: Part, filename: string): unknown {
  const { text, line } = splitComment(part, readFileSync(filename, "utf8"));
  const scope: PartScope = {
    module: { exports: {} },
    require: createRequire(filename),
    loadPart: (other) => loadPart(other, filename),
  };
  const packed = part === "Traces, packed";
  const run = compileFunction(packed ? unpack(text, scope.require) : text, Object.keys(scope), {
    // Stacks in log lines name the place in the file as it is, as far as it can be read there.
    ...(packed ? { filename: `${filename}#${part}` } : { filename, lineOffset: line }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  run(...Object.values(scope));
  return scope.module.exports;
}

/** Asked for only here: most processes unpack nothing. */
function unpack(text: string, require: NodeJS.Require): string {
  const { brotliDecompressSync } = require("node:zlib") as typeof import("node:zlib");
  return brotliDecompressSync(Buffer.from(text, "base64")).toString();
}
