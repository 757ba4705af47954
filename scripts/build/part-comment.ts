// Comments that carry code in the bridge's one file, each a CommonJS module that is compiled only where and when it is needed.

/** What a comment begins with, by which it is found; in the order they stand in the file. */
export type Part = "The working process" | "Traces";

const END = "\n*/\n";
/** What would end the comment, and what stands for it there. */
const ENDING = "*/";
const STAND_IN = "*~/";

/** The comment around `code`. */
export function comment(part: Part, code: string): string {
  if (code.includes(STAND_IN)) throw new Error(`the bridge's code holds ${STAND_IN}, which stands for ${ENDING} in it`);
  return beginningOf(part) + code.replaceAll(ENDING, STAND_IN) + END;
}

/** The code in the comment of `text`, and the number of lines before it. */
export function splitComment(part: Part, text: string): { readonly code: string; readonly line: number } {
  const beginning = beginningOf(part);
  const start = text.lastIndexOf(beginning) + beginning.length;
  const code = text.slice(start, text.indexOf(END, start)).replaceAll(STAND_IN, ENDING);
  return { code, line: text.slice(0, start).split("\n").length - 1 };
}

function beginningOf(part: Part): string {
  return `\n/* ${part}:\n`;
}
