// Reads the code blocks of a Markdown page, so that documentation can be run.

export interface CodeBlock {
  /** `ts`, `sh`, `yaml`, … */
  readonly language: string;
  /** What follows the language: `file=src/index.ts`, `run`, `no-run=needs an account`. */
  readonly info: string;
  readonly code: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

/** All fenced blocks of a page, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\S+)\s*(.*)$/.exec(lines[at] ?? "");
    if (fence === null) continue;
    const end = lines.indexOf("```", at + 1);
    if (end === -1) throw new Error(`line ${at + 1}: this code block is never closed`);
    blocks.push({
      language: fence[1] ?? "",
      info: fence[2] ?? "",
      code: lines.slice(at + 1, end).join("\n"),
      line: at + 1,
    });
    at = end;
  }
  return blocks;
}
