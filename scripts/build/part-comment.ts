// Comments that carry code in the bridge's one file, each a CommonJS module that is compiled only where and when it is needed.

/** What a comment begins with, by which it is found; in the order they stand in the file. */
export type Part = "The working process" | "Traces, packed";

const END = "\n*/\n";
/** What would end the comment, and what stands for it there. */
const ENDING = "*/";
const STAND_IN = "*~/";

/** The comment around `text`. */
export function comment(part: Part, text: string): string {
  if (text.includes(STAND_IN)) throw new Error(`the bridge's code holds ${STAND_IN}, which stands for ${ENDING} in it`);
  return beginningOf(part) + text.replaceAll(ENDING, STAND_IN) + END;
}

/** The text in the comment of `file`, and the number of lines before it. */
export function splitComment(part: Part, file: string): { readonly text: string; readonly line: number } {
  const beginning = beginningOf(part);
  const start = file.lastIndexOf(beginning) + beginning.length;
  const text = file.slice(start, file.indexOf(END, start)).replaceAll(STAND_IN, ENDING);
  return { text, line: file.slice(0, start).split("\n").length - 1 };
}

function beginningOf(part: Part): string {
  return `\n/* ${part}:\n`;
}
