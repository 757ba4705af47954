// Turns text that comes in pieces into lines, and hands them on in batches.

/** Characters of one line; a longer one becomes several. Bounds what a source without line ends makes us hold. */
export const MAX_LINE_CHARACTERS = 16 * 1024;

/** Characters handed on at once: with three bytes each still far from the 4 MiB of a message. */
const MAX_BATCH_CHARACTERS = 256 * 1024;

/** What a line costs beside its characters (time, stream, lengths), counted as characters; more than it is. */
const LINE_OVERHEAD_CHARACTERS = 64;

/** `append` is called with one batch at a time; when it fails, so does the writer. */
export function lineWriter(
  append: (lines: readonly string[]) => Promise<unknown>,
): WritableStream<string | Uint8Array> {
  const decoder = new TextDecoder();
  let rest = "";

  async function take(text: string): Promise<void> {
    const lines = (rest + text).split(/\r?\n/).map(cut);
    // What has no end yet stays, but no more than one piece of it.
    const last = lines.pop() ?? [];
    rest = last.pop() ?? "";
    for (const batch of batches([...lines.flat(), ...last])) await append(batch);
  }
  return new WritableStream({
    write: (chunk) => take(typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })),
    async close() {
      await take(decoder.decode());
      if (rest !== "") await append([rest]);
    },
  });
}

function cut(line: string): string[] {
  const pieces: string[] = [];
  let at = 0;
  while (line.length - at > MAX_LINE_CHARACTERS) {
    const end = at + MAX_LINE_CHARACTERS;
    // Never between the two halves of a character: neither is one by itself.
    const length = isHighSurrogate(line.charCodeAt(end - 1)) ? MAX_LINE_CHARACTERS - 1 : MAX_LINE_CHARACTERS;
    pieces.push(line.slice(at, at + length));
    at += length;
  }
  return [...pieces, line.slice(at)];
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function* batches(lines: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let characters = 0;
  for (const line of lines) {
    const weight = line.length + LINE_OVERHEAD_CHARACTERS;
    if (batch.length > 0 && characters + weight > MAX_BATCH_CHARACTERS) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(line);
    characters += weight;
  }
  if (batch.length > 0) yield batch;
}
