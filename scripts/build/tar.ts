// Writes a tar archive (POSIX ustar), the same bytes for the same files: no times, no owners.

export interface TarEntry {
  /** Relative, at most 100 bytes. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly contents: Uint8Array;
}

const BLOCK_BYTES = 512;
/** Two empty blocks end an archive. */
const END = Buffer.alloc(2 * BLOCK_BYTES);

export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap((entry) => [header(entry), entry.contents, padding(entry)]), END]);
}

function header({ path, mode, contents }: TarEntry): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "latin1");
  block.write(path, 0, 100, "utf8");
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(contents.byteLength, 124, 12);
  octal(0, 136, 12);
  // The checksum counts its own field as spaces.
  block.fill(" ", 148, 156);
  block.write("0", 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

function padding({ contents }: TarEntry): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (contents.byteLength % BLOCK_BYTES)) % BLOCK_BYTES);
}
